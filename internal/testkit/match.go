package testkit

import (
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// difference is one place where an answer is not what the vector says.
type difference struct {
	line      int // of the expectation
	path      string
	want, got string
}

func (d difference) String() string {
	if d.want == "" {
		return fmt.Sprintf("  line %-4d %s: %s", d.line, d.path, d.got)
	}
	return fmt.Sprintf("  line %-4d %s: want %s, got %s", d.line, d.path, d.want, d.got)
}

// Marks inside expected arrays and objects.
const (
	moreMark     = "<more>"         // last element, or a member's name: anything further
	anyOrderMark = "<in any order>" // first element: the others come in any order
)

// comparison compares values with expectations. What it captures goes to known.
type comparison struct {
	known names
	now   string // what <now> is
	diffs []difference
}

func (c *comparison) differ(want *node, path, wanted, got string) {
	if path == "" {
		path = "(whole)"
	}
	c.diffs = append(c.diffs, difference{want.line, path, wanted, got})
}

// value compares one value.
func (c *comparison) value(path string, want, got *node) {
	switch want.kind {
	case '{':
		if got.kind != '{' {
			c.differ(want, path, "an object", got.String())
			return
		}
		c.object(path, want, got)
	case '[':
		if got.kind != '[' {
			c.differ(want, path, "an array", got.String())
			return
		}
		c.array(path, want, got)
	case '"':
		c.text(path, want, got)
	case '0':
		if got.kind != '0' || !sameNumber(want.text, got.text) {
			c.differ(want, path, want.text, got.String())
		}
	default:
		if got.kind != want.kind {
			c.differ(want, path, want.text, got.String())
		}
	}
}

func sameNumber(a, b string) bool {
	x, okX := new(big.Rat).SetString(a)
	y, okY := new(big.Rat).SetString(b)
	return okX && okY && x.Cmp(y) == 0
}

func (c *comparison) object(path string, want, got *node) {
	more := want.member(moreMark) != nil
	for i, name := range want.names {
		if name == moreMark {
			continue
		}
		inner := join(path, name)
		value := got.member(name)
		if value == nil {
			c.differ(want.values[i], inner, want.values[i].String(), "nothing: the member is missing")
			continue
		}
		c.value(inner, want.values[i], value)
	}
	for i, name := range got.names {
		if !more && want.member(name) == nil {
			c.differ(want, join(path, name), "", "not in the vector, but the answer has it: "+got.values[i].String())
		}
	}
}

func (c *comparison) array(path string, want, got *node) {
	elements := want.values
	unordered := len(elements) > 0 && elements[0].is(anyOrderMark)
	if unordered {
		elements = elements[1:]
	}
	more := len(elements) > 0 && elements[len(elements)-1].is(moreMark)
	if more {
		elements = elements[:len(elements)-1]
	}
	if len(got.values) < len(elements) || !more && len(got.values) > len(elements) {
		c.differ(want, path, fmt.Sprintf("%d elements", len(elements)), fmt.Sprintf("%d: %s", len(got.values), got))
		return
	}
	if unordered {
		c.unordered(path, want, elements, got.values)
		return
	}
	for i, element := range elements {
		c.value(join(path, strconv.Itoa(i)), element, got.values[i])
	}
}

func (n *node) is(mark string) bool { return n.kind == '"' && n.text == mark }

// unordered finds for each expectation a value of its own.
func (c *comparison) unordered(path string, want *node, elements, values []*node) {
	known, left := c.assign(elements, values)
	if left != nil {
		c.differ(left, path, "somewhere "+left.String(), (&node{kind: '[', values: values}).String())
		return
	}
	maps.Copy(c.known, known)
}

// assign tries every way to give each expectation a value of its own. It answers what was captured, or an expectation that
// found none.
func (c *comparison) assign(elements, values []*node) (names, *node) {
	if len(elements) == 0 {
		return maps.Clone(c.known), nil
	}
	for i, value := range values {
		try := &comparison{known: maps.Clone(c.known), now: c.now}
		try.value("", elements[0], value)
		if len(try.diffs) > 0 {
			continue
		}
		if known, left := try.assign(elements[1:], slices.Concat(values[:i], values[i+1:])); left == nil {
			return known, nil
		}
	}
	return nil, elements[0]
}

// text compares with an expected string: itself, one matcher for any kind of value, or a text with matchers in it.
func (c *comparison) text(path string, want, got *node) {
	parts, err := parsePattern(want.text)
	if err != nil {
		c.differ(want, path, want.text, err.Error())
		return
	}
	if len(parts) == 1 && parts[0].m != nil {
		c.matcher(path, want, parts[0].m, got)
		return
	}
	if got.kind != '"' {
		c.differ(want, path, want.String(), got.String())
		return
	}
	expression, captures := regexpOf(parts, c.now)
	re := regexp.MustCompile(`\A(?s:` + expression + `)\z`)
	m := re.FindStringSubmatch(got.text)
	if m == nil {
		c.differ(want, path, want.String(), got.String())
		return
	}
	for group, name := range captures {
		c.known[name] = m[re.SubexpIndex(group)]
	}
}

// matcher compares a value with one matcher.
func (c *comparison) matcher(path string, want *node, m *matcher, got *node) {
	ok := false
	switch m.kind {
	case "any":
		ok = true
	case "absent":
		ok = false
	case "number":
		ok = got.kind == '0'
	case "integer":
		ok = got.kind == '0' && !strings.ContainsAny(got.text, ".eE")
	case "bool":
		ok = got.kind == 't' || got.kind == 'f'
	case "string":
		ok = got.kind == '"' && (m.re == "" || regexp.MustCompile(`\A(?:`+m.re+`)\z`).MatchString(got.text))
	default:
		ok = got.kind == '"' && regexp.MustCompile(`\A(?:`+m.expression(c.now)+`)\z`).MatchString(got.text)
	}
	if !ok {
		c.differ(want, path, want.text, got.String())
		return
	}
	if m.capture == "" {
		return
	}
	c.known[m.capture] = got.text
	if got.kind == '{' || got.kind == '[' {
		c.known[m.capture] = got.raw()
	}
}

// join is a place as people write it: data.tickets.0.id.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
