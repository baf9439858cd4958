package testkit

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// matcher is one <…> of an expectation.
type matcher struct {
	kind    string // any, string, number, integer, bool, uuid, time, now, jwt, absent
	re      string // the regular expression of <string ~ …>
	capture string // the name after " as "
}

// shapes is what the matchers look like inside a text.
var shapes = map[string]string{
	"any":     `.*?`,
	"string":  `.*?`,
	"number":  `-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?`,
	"integer": `-?(?:0|[1-9][0-9]*)`,
	"bool":    `true|false`,
	"uuid":    `[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`,
	"time":    `[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z`,
	"jwt":     `[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+`,
	"now":     "", // known only when it runs
	"absent":  "",
}

var (
	matcherMark = regexp.MustCompile(`^([a-z]+)(?: ~ (.+?))?(?: as ([a-z][A-Za-z0-9]*))?$`)
	useMark     = regexp.MustCompile(`\{([a-z][A-Za-z0-9]*)\}`)
	repeatMark  = regexp.MustCompile(`\{repeat ([0-9]+) ([^{}]+)\}`)
)

// part is a piece of a pattern: text, or a matcher.
type part struct {
	text string
	m    *matcher
}

// parsePattern cuts a text at its matchers. "<<" is the character <, and so is a < that no lower-case letter follows.
func parsePattern(text string) ([]part, error) {
	var parts []part
	var literal strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] != '<':
			literal.WriteByte(text[i])
		case strings.HasPrefix(text[i:], "<<"):
			literal.WriteByte('<')
			i++
		case i+1 == len(text) || text[i+1] < 'a' || text[i+1] > 'z':
			literal.WriteByte('<')
		default:
			end := closing(text[i:])
			if end < 0 {
				return nil, errors.New("a matcher is not closed; << is the character <")
			}
			m, err := parseMatcher(strings.ReplaceAll(text[i+1:i+end], `\>`, ">"))
			if err != nil {
				return nil, err
			}
			if literal.Len() > 0 {
				parts = append(parts, part{text: literal.String()})
				literal.Reset()
			}
			parts = append(parts, part{m: m})
			i += end
		}
	}
	if literal.Len() > 0 {
		parts = append(parts, part{text: literal.String()})
	}
	return parts, nil
}

// closing is the place of the > that closes a matcher: the first that no backslash precedes.
func closing(text string) int {
	for i := range len(text) {
		if text[i] == '\n' {
			break
		}
		if text[i] == '>' && text[i-1] != '\\' {
			return i
		}
	}
	return -1
}

func parseMatcher(text string) (*matcher, error) {
	m := matcherMark.FindStringSubmatch(text)
	if m == nil {
		return nil, fmt.Errorf("<%s> is no matcher; << is the character <", text)
	}
	if _, known := shapes[m[1]]; !known {
		return nil, fmt.Errorf("<%s> is no matcher; there are any, string, number, integer, bool, uuid, time, now, jwt and absent", text)
	}
	if m[2] != "" {
		if m[1] != "string" {
			return nil, fmt.Errorf("<%s>: only a string takes ~ REGEXP", text)
		}
		if _, err := regexp.Compile(m[2]); err != nil {
			return nil, fmt.Errorf("<%s>: %w", text, err)
		}
	}
	return &matcher{kind: m[1], re: m[2], capture: m[3]}, nil
}

// expression is what the matcher accepts in a text.
func (m *matcher) expression(now string) string {
	switch {
	case m.re != "":
		return m.re
	case m.kind == "now":
		return regexp.QuoteMeta(now)
	}
	return shapes[m.kind]
}

// regexpOf makes one regular expression of the parts, without anchors, and names the capture of each group cN.
func regexpOf(parts []part, now string) (expression string, captures map[string]string) {
	var b strings.Builder
	captures = map[string]string{}
	for i, p := range parts {
		if p.m == nil {
			b.WriteString(regexp.QuoteMeta(p.text))
			continue
		}
		group := "c" + strconv.Itoa(i)
		fmt.Fprintf(&b, "(?P<%s>%s)", group, p.m.expression(now))
		if p.m.capture != "" {
			captures[group] = p.m.capture
		}
	}
	return b.String(), captures
}

// names are the values a vector has captured, by name; base and n are always there.
type names map[string]string

// fill replaces {name} by what was captured and {repeat N TEXT} by N times the text; {{name}} is {name} itself. quoted adapts
// each value to where it goes.
func (n names) fill(text string, quoted func(string) string) (string, error) {
	var b strings.Builder
	last := 0
	for _, at := range useMark.FindAllStringSubmatchIndex(text, -1) {
		name := text[at[2]:at[3]]
		if escapedUse(text, at[0], at[1]) {
			b.WriteString(text[last:at[0]-1] + "{" + name + "}")
			last = at[1] + 1
			continue
		}
		value, ok := n[name]
		if !ok {
			return "", fmt.Errorf("{%s} has not been captured: the step that does so failed", name)
		}
		b.WriteString(text[last:at[0]])
		b.WriteString(quoted(value))
		last = at[1]
	}
	b.WriteString(text[last:])
	filled := b.String()
	return repeatMark.ReplaceAllStringFunc(filled, func(use string) string {
		m := repeatMark.FindStringSubmatch(use)
		times, err := strconv.Atoi(m[1])
		if err != nil || times*len(m[2]) > maxRepeat {
			return use
		}
		return strings.Repeat(m[2], times)
	}), nil
}

// maxRepeat bounds {repeat N TEXT}: 64 MiB.
const maxRepeat = 64 << 20

// escapedUse tells {{name}} from {name}.
func escapedUse(text string, start, end int) bool {
	return start > 0 && text[start-1] == '{' && end < len(text) && text[end] == '}'
}

// blank stands 0 for every {name}, so that a text can be checked before it runs.
func blank(text string) (string, error) { return useMark.ReplaceAllString(text, "0"), nil }

// plain inserts a value as it is.
func plain(value string) string { return value }

// inJSON inserts a value into a JSON string, or a number as a number.
func inJSON(value string) string { q := quote(value); return q[1 : len(q)-1] }

// inExpectation inserts a value as text that is compared, in JSON.
func inExpectation(value string) string { return inJSON(strings.ReplaceAll(value, "<", "<<")) }

// inPattern inserts a value as text that is compared.
func inPattern(value string) string { return strings.ReplaceAll(value, "<", "<<") }

// inEscaped inserts a value into a text with escapes.
func inEscaped(value string) string { return strings.ReplaceAll(value, `\`, `\\`) }

// unescape reads Go's escapes (\n, \r, \t, \x00, \u00e9, \\), a backslash at a line's end, which takes the line break away,
// and \|, which parts what is written at once from what is written next. It answers the pieces.
func unescape(text string) ([]string, error) {
	var pieces []string
	var b strings.Builder
	for text != "" {
		switch {
		case strings.HasPrefix(text, `\|`):
			pieces = append(pieces, b.String())
			b.Reset()
			text = text[2:]
		case strings.HasPrefix(text, "\\\n"):
			text = text[2:]
		case text[0] == '\n' || text[0] == '"' || text[0] == '\'' || text[0] >= 0x80:
			b.WriteByte(text[0])
			text = text[1:]
		default:
			char, multibyte, rest, err := strconv.UnquoteChar(text, 0)
			if err != nil {
				return nil, fmt.Errorf("%q is no escape; there are \\n \\r \\t \\xNN \\uNNNN \\\\ \\| and \\ at the end of a line", text[:min(4, len(text))])
			}
			if multibyte {
				b.WriteRune(char)
			} else {
				b.WriteByte(byte(char))
			}
			text = rest
		}
	}
	return append(pieces, b.String()), nil
}
