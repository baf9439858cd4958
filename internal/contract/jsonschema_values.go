package contract

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

// discriminator resolves the values of the discriminating property to branches: in AsyncAPI those that each branch's
// const or enum lists, in OpenAPI those of mapping and the names of the components.
func (r schemaReader) discriminator(at Place) {
	branches := slices.Concat(r.s.OneOf, r.s.AnyOf)
	d := &Discriminator{}
	if at.Dialect == OpenAPI30 {
		name, _ := at.Member("propertyName")
		d.Property = scalar(name)
		d.Branches = r.mapped(at, branches)
	} else {
		d.Property = scalar(at)
		for i, branch := range branches {
			values := discriminating(branch, d.Property, 0)
			if len(values) == 0 {
				r.Refuse(at, "branch %d has no const or enum of strings for %q, so that no value can choose it", i, d.Property)
			}
			for _, value := range values {
				d.Branches = append(d.Branches, DiscriminatorBranch{value, branch})
			}
		}
	}
	slices.SortFunc(d.Branches, func(a, b DiscriminatorBranch) int { return strings.Compare(a.Value, b.Value) })
	for i := 1; i < len(d.Branches); i++ {
		if d.Branches[i].Value == d.Branches[i-1].Value {
			r.Refuse(at, "%q chooses two branches", d.Branches[i].Value)
		}
	}
	if d.Property == "" || len(branches) == 0 {
		r.Refuse(at, "a discriminator names a property of the branches of oneOf or anyOf")
		return
	}
	r.s.Discriminator = d
}

// mapped are the branches of an OpenAPI discriminator.
func (r schemaReader) mapped(at Place, branches []*Schema) []DiscriminatorBranch {
	var list []DiscriminatorBranch
	named := map[*Schema]bool{}
	mapping, _ := at.Member("mapping")
	values, refs := mapping.Members()
	for i, value := range values {
		ref := refs[i].Node.Value
		if !strings.Contains(ref, "/") {
			ref = "#/components/schemas/" + ref
		}
		target, err := r.Resolve(at, ref)
		if err != nil {
			r.Refuse(refs[i], "%v", err)
			continue
		}
		branch := r.Schema(target)
		if !slices.Contains(branches, branch) {
			r.Refuse(refs[i], "%s is none of the branches", refs[i].Node.Value)
			continue
		}
		named[branch] = true
		list = append(list, DiscriminatorBranch{value, branch})
	}
	for _, branch := range branches {
		if !named[branch] {
			list = append(list, DiscriminatorBranch{branch.Pointer[strings.LastIndexByte(branch.Pointer, '/')+1:], branch})
		}
	}
	return list
}

// discriminating are the strings that a branch allows for a property.
func discriminating(s *Schema, property string, depth int) []string {
	if depth > 8 {
		return nil
	}
	for _, p := range s.Properties {
		if p.Name != property || !slices.Contains(s.Required, property) {
			continue
		}
		var values []string
		for _, value := range p.Schema.Enum {
			if text, err := jsontext.AppendUnquote(nil, value); err == nil {
				values = append(values, string(text))
			}
		}
		return values
	}
	for _, part := range s.AllOf {
		if values := discriminating(part, property, depth+1); values != nil {
			return values
		}
	}
	return nil
}

func scalar(at Place) string {
	if at.Node == nil || at.Node.Kind != yaml.ScalarNode {
		return ""
	}
	return at.Node.Value
}

func (r schemaReader) text(keyword string) string {
	at, ok := r.at.Member(keyword)
	if !ok {
		return ""
	}
	if scalar(at) == "" {
		r.Refuse(at, "%s is a text", keyword)
	}
	return scalar(at)
}

func (r schemaReader) truth(at Place) bool {
	value, err := strconv.ParseBool(scalar(at))
	if err != nil {
		r.Refuse(at, "true or false is expected here")
	}
	return value
}

// number is a decimal literal as JSON writes it.
func (r schemaReader) number(keyword string) string {
	at, ok := r.at.Member(keyword)
	if !ok {
		return ""
	}
	literal, err := ValueOf(at)
	if err != nil || jsontext.Value(literal).Kind() != '0' {
		r.Refuse(at, "%s is a number", keyword)
		return ""
	}
	return string(literal)
}

func (r schemaReader) least(keyword string) uint64 {
	if most := r.most(keyword); most != nil {
		return *most
	}
	return 0
}

func (r schemaReader) most(keyword string) *uint64 {
	at, ok := r.at.Member(keyword)
	if !ok {
		return nil
	}
	n, err := strconv.ParseUint(scalar(at), 10, 63)
	if err != nil {
		r.Refuse(at, "%s is a count", keyword)
	}
	return &n
}

func (r schemaReader) json(at Place) []byte {
	value, err := ValueOf(at)
	if err != nil {
		r.Refuse(at, "%v", err)
		return []byte("null")
	}
	return value
}

// ValueOf writes what stands at a place as JSON. Numbers keep their digits; a date without quotes is a string, as JSON
// has no dates.
func ValueOf(at Place) ([]byte, error) { return appendNode(nil, at.Node) }

func appendNode(b []byte, node *yaml.Node) (_ []byte, err error) {
	switch node.Kind {
	case yaml.MappingNode:
		b = append(b, '{')
		for i := 0; i+1 < len(node.Content); i += 2 {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendQuoted(b, node.Content[i].Value), ':')
			if b, err = appendNode(b, node.Content[i+1]); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	case yaml.SequenceNode:
		b = append(b, '[')
		for i, item := range node.Content {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendNode(b, item); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case yaml.ScalarNode:
		return appendScalar(b, node)
	}
	return nil, fmt.Errorf("line %d: YAML aliases are not supported", node.Line)
}

func appendScalar(b []byte, node *yaml.Node) ([]byte, error) {
	switch node.ShortTag() {
	case "!!null":
		return append(b, "null"...), nil
	case "!!bool":
		return append(b, strings.ToLower(node.Value)...), nil
	case "!!int", "!!float":
		if jsontext.Value(node.Value).IsValid() && node.Value[0] != '"' {
			return append(b, node.Value...), nil
		}
		var f float64
		if err := node.Decode(&f); err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return nil, fmt.Errorf("line %d: %s is no number that JSON can write", node.Line, node.Value)
		}
		return strconv.AppendFloat(b, f, 'g', -1, 64), nil
	case "!!str", "!!timestamp":
		return appendQuoted(b, node.Value), nil
	}
	return nil, fmt.Errorf("line %d: the YAML tag %s is not supported", node.Line, node.Tag)
}

// Unquote is the text that a JSON string stands for.
func Unquote(value []byte) (string, error) {
	text, err := jsontext.AppendUnquote(nil, value)
	return string(text), err
}
