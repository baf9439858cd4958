package testkit

import (
	"errors"
	"fmt"
	"math"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/getkin/kin-openapi/openapi3"
)

// maxDepth bounds generated values.
const maxDepth = 8

// value makes a random value that obeys the schema; kin has the last word.
func (r *raid) value(ref *openapi3.SchemaRef, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, errors.New("the schema is too deep")
	}
	for range 50 {
		n, err := r.candidate(ref, depth)
		if err != nil {
			return nil, err
		}
		if accepts(ref, n) {
			return n, nil
		}
	}
	if example := ref.Value.Example; example != nil {
		return literal(example), nil
	}
	return nil, fmt.Errorf("no value found for a schema of type %v (%s %q)", facetsOf(ref).types, ref.Value.Format, ref.Value.Pattern)
}

// candidate makes a value that may obey the schema.
func (r *raid) candidate(ref *openapi3.SchemaRef, depth int) (*node, error) {
	s, f := ref.Value, facetsOf(ref)
	switch {
	case s.Nullable && !r.whole && r.rand.IntN(4) == 0:
		return &node{kind: 'n', text: "null"}, nil
	case len(f.enum) > 0:
		return literal(f.enum[r.rand.IntN(len(f.enum))]), nil
	case len(s.OneOf)+len(s.AnyOf) > 0:
		branches := slices.Concat(s.OneOf, s.AnyOf)
		if r.whole {
			r.turn++
			return r.value(branches[r.turn%len(branches)], depth+1)
		}
		return r.value(branches[r.rand.IntN(len(branches))], depth+1)
	case f.is("object"):
		return r.object(ref, depth)
	case f.is("array"):
		return r.array(ref, depth)
	case f.is("string"):
		return &node{kind: '"', text: r.text(ref)}, nil
	case f.is("integer"), f.is("number"):
		return r.number(f), nil
	case f.is("boolean"):
		return literal(r.rand.IntN(2) == 0), nil
	}
	anything := []*node{literal("text"), literal(true), {kind: '0', text: "42"}, {kind: '['}, {kind: '{'}}
	return anything[r.rand.IntN(len(anything))], nil // a schema without a type
}

func literal(value any) *node {
	switch value := value.(type) {
	case string:
		return &node{kind: '"', text: value}
	case bool:
		if value {
			return &node{kind: 't', text: "true"}
		}
		return &node{kind: 'f', text: "false"}
	case nil:
		return &node{kind: 'n', text: "null"}
	}
	return &node{kind: '0', text: fmt.Sprint(value)}
}

// object makes required members and some of the others; x-equals copies what it refers to.
func (r *raid) object(ref *openapi3.SchemaRef, depth int) (*node, error) {
	n := &node{kind: '{'}
	parts := slices.Concat([]*openapi3.SchemaRef{ref}, ref.Value.AllOf)
	equal := map[string]string{}
	for _, part := range parts {
		names := make([]string, 0, len(part.Value.Properties))
		for name := range part.Value.Properties {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			property := part.Value.Properties[name]
			if !r.whole && !slices.Contains(part.Value.Required, name) && r.rand.IntN(2) == 0 {
				continue
			}
			if other, ok := property.Value.Extensions["x-equals"].(string); ok {
				equal[name] = other
			}
			value, err := r.value(property, depth+1)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			n.set(name, value)
		}
	}
	for name, other := range equal {
		n.set(name, n.member(other))
	}
	return n, nil
}

func (r *raid) array(ref *openapi3.SchemaRef, depth int) (*node, error) {
	s, n := ref.Value, &node{kind: '['}
	length := int(s.MinItems) + r.rand.IntN(3)
	if r.whole {
		length = max(length, 1, branchesOf(s.Items)) // each alternative has its turn
	}
	if s.MaxItems != nil {
		length = min(length, int(*s.MaxItems))
	}
	for range length {
		item, err := r.value(s.Items, depth+1)
		if err != nil {
			return nil, err
		}
		n.values = append(n.values, item)
	}
	return n, nil
}

// branchesOf is how many alternatives a schema has; 1 when it has none.
func branchesOf(ref *openapi3.SchemaRef) int {
	if ref == nil {
		return 1
	}
	return max(1, len(ref.Value.OneOf)+len(ref.Value.AnyOf))
}

// number is one of the bounds, or something between them.
func (r *raid) number(f facets) *node {
	low, high := 0.0, 1000.0
	if f.min != nil {
		low = *f.min
		high = max(high, low+1000)
	}
	if f.max != nil {
		high = *f.max
		low = min(low, high)
	}
	value := low + r.rand.Float64()*(high-low)
	switch r.rand.IntN(4) {
	case 0:
		value = low
	case 1:
		value = high
	}
	if f.is("integer") {
		return &node{kind: '0', text: strconv.FormatFloat(math.Floor(value), 'f', -1, 64)}
	}
	return &node{kind: '0', text: strconv.FormatFloat(value, 'g', 4, 64)}
}

// text is a string of the wanted format, patterns and length: the shortest, the longest, or one between.
func (r *raid) text(ref *openapi3.SchemaRef) string {
	f := facetsOf(ref)
	switch f.format {
	case "uuid":
		return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", r.rand.Uint32(), r.rand.IntN(1<<16), r.rand.IntN(1<<12), r.rand.IntN(1<<12), r.rand.Int64N(1<<48))
	case "email":
		return fmt.Sprintf("person-%d@example.com", r.rand.Uint32())
	case "date-time":
		return fmt.Sprintf("2025-%02d-%02dT10:%02d:00.000Z", 1+r.rand.IntN(12), 1+r.rand.IntN(28), r.rand.IntN(60))
	case "date":
		return fmt.Sprintf("2025-%02d-%02d", 1+r.rand.IntN(12), 1+r.rand.IntN(28))
	}
	var b strings.Builder
	for _, pattern := range f.patterns {
		if tree, err := syntax.Parse(pattern, syntax.Perl); err == nil {
			b.WriteString(r.matching(tree))
		}
	}
	least, most := int(f.minLength), int(f.minLength)+20
	if f.maxLength != nil {
		most = min(int(*f.maxLength), 300)
	}
	length := []int{least, most, least + r.rand.IntN(most-least+1)}[r.rand.IntN(3)]
	const letters = "aàbcdeéfghi jklmnoœpqrstuvwxyzAÉ0123456789-'€🎁"
	runes := []rune(letters)
	for have := len([]rune(b.String())); have < length && !anchored(f.patterns); have++ {
		b.WriteRune(runes[r.rand.IntN(len(runes))])
	}
	return b.String()
}

func anchored(patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return strings.HasSuffix(p, "$") })
}

// matching makes a text that the regular expression matches.
func (r *raid) matching(re *syntax.Regexp) string {
	times := func(least, most int) string {
		var b strings.Builder
		for range least + r.rand.IntN(most-least+1) {
			b.WriteString(r.matching(re.Sub[0]))
		}
		return b.String()
	}
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		return r.oneOf(re.Rune)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "x"
	case syntax.OpCapture:
		return r.matching(re.Sub[0])
	case syntax.OpStar:
		return times(0, 3)
	case syntax.OpPlus:
		return times(1, 3)
	case syntax.OpQuest:
		return times(0, 1)
	case syntax.OpRepeat:
		most := re.Max
		if most < 0 {
			most = re.Min + 3
		}
		return times(re.Min, most)
	case syntax.OpConcat:
		var b strings.Builder
		for _, sub := range re.Sub {
			b.WriteString(r.matching(sub))
		}
		return b.String()
	case syntax.OpAlternate:
		return r.matching(re.Sub[r.rand.IntN(len(re.Sub))])
	}
	return ""
}

// oneOf picks a printable character of a class, which is a list of ranges.
func (r *raid) oneOf(class []rune) string {
	for {
		i := 2 * r.rand.IntN(len(class)/2)
		low, high := class[i], min(class[i+1], class[i]+100)
		if char := low + rune(r.rand.IntN(int(high-low)+1)); unicode.IsPrint(char) {
			return string(char)
		}
	}
}
