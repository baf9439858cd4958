package testkit

import (
	"fmt"
	"regexp"
	"strings"
)

// textPattern is an expected text: matchers stand for pieces of a line, and a line that is only "..." for any lines.
type textPattern struct {
	text    string
	line    int
	escapes bool // Go's escapes, for bytes
}

// compileText checks a pattern before it runs.
func compileText(text string, line int, escapes bool) (*textPattern, error) {
	if escapes {
		text = unfold(text)
	}
	p := &textPattern{text, line, escapes}
	filled, err := blank(text)
	if err != nil {
		return nil, err
	}
	for i, line := range strings.Split(filled, "\n") {
		if _, _, err := p.expression(line, "", map[string]string{}, 0); err != nil {
			return nil, &lineError{p.line + i, err}
		}
	}
	return p, nil
}

// unfold takes away the line breaks that a backslash takes away.
func unfold(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], "\\\n"):
			i++
		case text[i] == '\\' && i+1 < len(text):
			b.WriteString(text[i : i+2])
			i++
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

// expression makes a regular expression of a text, without anchors. The groups of a text that is not the first get a number.
func (p *textPattern) expression(text, now string, captures map[string]string, number int) (string, map[string]string, error) {
	parts, err := parsePattern(text)
	if err != nil {
		return "", nil, err
	}
	for i := range parts {
		if parts[i].m == nil && p.escapes {
			pieces, err := unescape(parts[i].text)
			if err != nil {
				return "", nil, err
			}
			parts[i].text = strings.Join(pieces, "")
		}
	}
	re, found := regexpOf(parts, now)
	prefix := fmt.Sprintf("l%d", number)
	for group, name := range found {
		captures[prefix+group] = name
	}
	return strings.ReplaceAll(re, "(?P<c", "(?P<"+prefix+"c"), captures, nil
}

// compiled is the pattern with what was captured so far.
type compiled struct {
	lines    []string // one regular expression per line
	first    int      // the line of the first
	captures map[string]string
}

func (p *textPattern) compile(known names, now string) (*compiled, error) {
	insert := inPattern
	if p.escapes {
		insert = func(value string) string { return inEscaped(inPattern(value)) }
	}
	filled, err := known.fill(p.text, insert)
	if err != nil {
		return nil, err
	}
	c := &compiled{first: p.line, captures: map[string]string{}}
	for i, line := range strings.Split(filled, "\n") {
		if line == "..." && !p.escapes {
			c.lines = append(c.lines, anyLines)
			continue
		}
		re, _, err := p.expression(line, now, c.captures, i)
		if err != nil {
			return nil, err
		}
		c.lines = append(c.lines, re)
	}
	return c, nil
}

const anyLines = "..."

// What must follow the lines of a pattern.
const (
	theEnd    = `\z`
	aLineEnd  = `(?m:$)`
	something = ``
)

// join is the regular expression of the first n lines, anchored at the start.
func (c *compiled) join(n int, then string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`\A`)
	for i, line := range c.lines[:n] {
		first, last := i == 0, i == len(c.lines)-1
		switch {
		case line == anyLines && last && first:
			b.WriteString(`(?s:.*)`)
		case line == anyLines && last:
			b.WriteString(`(?s:\n.*)?`)
		case line == anyLines && first:
			b.WriteString(`(?s:(?:.*?\n)??)`)
		case line == anyLines:
			b.WriteString(`\n(?s:(?:.*?\n)??)`)
		case first || c.lines[i-1] == anyLines:
			b.WriteString(line)
		default:
			b.WriteString(`\n` + line)
		}
	}
	return regexp.MustCompile(b.String() + then)
}

// match compares a whole text, but for one line break at its end, and captures. The error names the first line that differs.
func (c *compiled) match(text string, known names) []difference {
	text = strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	if c.capture(c.join(len(c.lines), theEnd), text, known) >= 0 {
		return nil
	}
	good := 0
	for good < len(c.lines) && c.join(good+1, aLineEnd).MatchString(text) {
		good++
	}
	if good == len(c.lines) {
		return []difference{{line: c.first + good - 1, path: "text", want: "the end of the text", got: "more of it"}}
	}
	return []difference{{line: c.first + good, path: "text", want: "this line", got: "another, or none"}}
}

// prefix compares the start of a stream and answers how many bytes it takes; negative while it does not match.
func (c *compiled) prefix(stream string, known names) int {
	return c.capture(c.join(len(c.lines), something), stream, known)
}

// capture matches and notes what the groups hold.
func (c *compiled) capture(re *regexp.Regexp, text string, known names) int {
	m := re.FindStringSubmatchIndex(text)
	if m == nil {
		return -1
	}
	for i, group := range re.SubexpNames() {
		if name := c.captures[group]; name != "" && m[2*i] >= 0 {
			known[name] = text[m[2*i]:m[2*i+1]]
		}
	}
	return m[1]
}
