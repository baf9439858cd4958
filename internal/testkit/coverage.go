package testkit

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Coverage tells which answers of a contract vectors show. It is read off the files: what a vector expects is what it
// exercises, or it fails.
type Coverage struct {
	spec     *Spec
	statuses map[string]map[int][]string // operation → status → places
	examples map[string]bool             // operations whose own example was sent with success
	foreign  map[int][]string            // answers to requests that are no operation's
}

// Coverage reads what the vectors show of the contract.
func (s *Spec) Coverage(vectors []*Vector) *Coverage {
	c := &Coverage{s, map[string]map[int][]string{}, map[string]bool{}, map[int][]string{}}
	for _, vector := range vectors {
		for _, x := range vector.Exchanges() {
			op, _ := s.Find(x.Method, x.Path)
			if op == nil {
				c.foreign[x.Status] = append(c.foreign[x.Status], x.Place)
				continue
			}
			if c.statuses[op.ID] == nil {
				c.statuses[op.ID] = map[int][]string{}
			}
			c.statuses[op.ID][x.Status] = append(c.statuses[op.ID][x.Status], x.Place)
			if x.Status < 300 && sendsExample(op, x.Body) {
				c.examples[op.ID] = true
			}
		}
	}
	return c
}

// Gaps lists what no vector shows: an operation's listed answer, the example of its request, and once each the refusals
// that belong to no operation (404, 405) or to all that take a body (413, 415).
func (c *Coverage) Gaps() []string {
	var gaps []string
	everywhere, takesBodies := map[int]bool{}, false
	for _, op := range c.spec.operations {
		takesBodies = takesBodies || op.Spec.RequestBody != nil
		for status := range op.Spec.Responses.Map() {
			code, err := strconv.Atoi(status)
			if err == nil && len(c.statuses[op.ID][code]) == 0 {
				gaps = append(gaps, fmt.Sprintf("%s (%s %s): no vector shows the answer %d", op.ID, op.Method, op.Path, code))
			}
		}
		if exampleOf(&op) != nil && !c.examples[op.ID] {
			gaps = append(gaps, fmt.Sprintf("%s (%s %s): no vector sends the contract's own example", op.ID, op.Method, op.Path))
		}
		for status := range c.statuses[op.ID] {
			everywhere[status] = true
		}
	}
	for _, status := range []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType} {
		if takesBodies && !everywhere[status] {
			gaps = append(gaps, fmt.Sprintf("no vector shows the answer %d", status))
		}
	}
	for _, status := range []int{http.StatusNotFound, http.StatusMethodNotAllowed} {
		if len(c.foreign[status]) == 0 {
			gaps = append(gaps, fmt.Sprintf("no vector shows the answer %d to a request that is no operation's", status))
		}
	}
	slices.Sort(gaps)
	return gaps
}

// String is a table: an operation on each line, with how many vectors show each of its answers.
func (c *Coverage) String() string {
	var b strings.Builder
	for _, op := range c.spec.operations {
		fmt.Fprintf(&b, "%-20s %-6s %-32s", op.ID, op.Method, op.Path)
		statuses := c.statuses[op.ID]
		for _, status := range slices.Sorted(maps.Keys(statuses)) {
			fmt.Fprintf(&b, " %d×%d", status, len(statuses[status]))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// exampleOf is the example of the operation's JSON body, or nil.
func exampleOf(op *Operation) any {
	if op.Spec.RequestBody == nil {
		return nil
	}
	media := op.Spec.RequestBody.Value.Content.Get("application/json")
	if media == nil {
		return nil
	}
	return media.Example
}

// sendsExample reports that a vector's body is the contract's example, but for values that only a run knows: captures.
func sendsExample(op *Operation, body string) bool {
	example, ok := exampleOf(op).(map[string]any)
	if !ok {
		return false
	}
	filled, err := blank(strings.ReplaceAll(body, `"{`, `"`+captured+`{`))
	if err != nil {
		return false
	}
	sent, err := parseJSON(filled, 1)
	if err != nil || sent.kind != '{' || len(sent.names) != len(example) {
		return false
	}
	for name, value := range example {
		got := sent.member(name)
		if got == nil || !strings.HasPrefix(got.text, captured) && !equalPlain(got.plain(), value) {
			return false
		}
	}
	return true
}

// captured marks a string that holds a capture.
const captured = "(captured) "

// equalPlain compares a value with one of a YAML document, whose whole numbers are ints.
func equalPlain(a, b any) bool {
	switch b := b.(type) {
	case int:
		return a == float64(b)
	case []any:
		list, ok := a.([]any)
		return ok && slices.EqualFunc(list, b, equalPlain)
	case map[string]any:
		object, ok := a.(map[string]any)
		return ok && maps.EqualFunc(object, b, equalPlain)
	}
	return a == b
}
