package contract

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf16"
)

// pattern is a regular expression.
type pattern struct {
	source string
	re     *regexp.Regexp
}

func (p *pattern) match(text []byte) bool { return p.re.Match(text) }

// ecmaSpace is what \s means in ECMA 262, as the inside of a Go character class.
const ecmaSpace = `\t\n\v\f\r\x{FEFF}\p{Z}`

// compilePattern translates an ECMA 262 regular expression into Go's. What Go cannot express (look-around, back references)
// and what the two read differently is an error.
func compilePattern(source string) (*pattern, error) {
	t := ecmaTranslator{source: source}
	if err := t.translate(); err != nil {
		return nil, err
	}
	re, err := regexp.Compile(t.out.String())
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", source, err)
	}
	return &pattern{source, re}, nil
}

type ecmaTranslator struct {
	source string
	out    strings.Builder
	pos    int
	class  bool // inside […]
}

func (t *ecmaTranslator) translate() error {
	for t.pos < len(t.source) {
		c := t.source[t.pos]
		rest := t.source[t.pos:]
		switch {
		case c == '\\':
			if err := t.escape(); err != nil {
				return err
			}
			continue
		case t.class && strings.HasPrefix(rest, "[:"):
			return t.refuse("a POSIX class is Go's, not ECMA's")
		case t.class:
			t.class = c != ']'
			t.copy(1)
		case strings.HasPrefix(rest, "[]"), strings.HasPrefix(rest, "[^]"):
			return t.refuse("an empty class cannot be expressed")
		case strings.HasPrefix(rest, "[^"):
			t.class = true
			t.copy(2)
		case c == '[':
			t.class = true
			t.copy(1)
		case c == '.':
			t.replace(1, `[^\n\r\x{2028}\x{2029}]`)
		case strings.HasPrefix(rest, "(?") && !strings.HasPrefix(rest, "(?:") && !namedGroup(rest):
			return t.refuse("only (?:…) and (?<name>…) groups can be expressed")
		default:
			t.copy(1)
		}
	}
	return nil
}

// namedGroup tells (?<name>…) from look-behind.
func namedGroup(s string) bool {
	return strings.HasPrefix(s, "(?<") && !strings.HasPrefix(s, "(?<=") && !strings.HasPrefix(s, "(?<!")
}

func (t *ecmaTranslator) escape() error {
	rest := t.source[t.pos:]
	if len(rest) < 2 {
		return t.refuse("it ends in a backslash")
	}
	switch c := rest[1]; c {
	case 's':
		if t.class {
			t.replace(2, ecmaSpace)
		} else {
			t.replace(2, "["+ecmaSpace+"]")
		}
	case 'S':
		if t.class {
			return t.refuse(`\S inside a class cannot be expressed`)
		}
		t.replace(2, "[^"+ecmaSpace+"]")
	case 'u':
		return t.codePoint(rest)
	case 'b':
		if t.class {
			t.replace(2, `\x08`)
		} else {
			t.copy(2)
		}
	case '0':
		if len(rest) > 2 && isDigit(rest[2]) {
			return t.refuse("octal escapes are not ECMA's")
		}
		t.replace(2, `\x00`)
	case 'x':
		if hex4(append([]byte("00"), rest[2:min(4, len(rest))]...)) < 0 {
			return t.refuse(`\x needs two hexadecimal digits`)
		}
		t.copy(4)
	case 'd', 'D', 'w', 'W', 'B', 't', 'n', 'v', 'f', 'r', 'p', 'P':
		t.copy(2)
	default:
		if isLetter(c) || isDigit(c) {
			return t.refuse(fmt.Sprintf(`\%c cannot be expressed`, c))
		}
		t.copy(2)
	}
	return nil
}

// codePoint translates \uXXXX and \u{X…}.
func (t *ecmaTranslator) codePoint(rest string) error {
	if strings.HasPrefix(rest, `\u{`) {
		if end := strings.IndexByte(rest, '}'); end > 0 {
			t.replace(end+1, `\x{`+rest[3:end]+`}`)
			return nil
		}
	}
	if len(rest) < 6 || hex4([]byte(rest[2:])) < 0 {
		return t.refuse(`\u needs four hexadecimal digits`)
	}
	if utf16.IsSurrogate(hex4([]byte(rest[2:]))) {
		return t.refuse(`half a surrogate pair cannot be expressed: write \u{…}`)
	}
	t.replace(6, `\x{`+rest[2:6]+`}`)
	return nil
}

func (t *ecmaTranslator) copy(n int) { t.replace(n, t.source[t.pos:t.pos+n]) }

// replace writes with for the next n bytes of the source.
func (t *ecmaTranslator) replace(n int, with string) {
	t.out.WriteString(with)
	t.pos += n
}

func (t *ecmaTranslator) refuse(why string) error {
	return fmt.Errorf("pattern %q: %s", t.source, why)
}
