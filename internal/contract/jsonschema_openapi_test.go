package contract

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"
)

// TestFrontEndsAgree reads every schema of every OpenAPI contract with both front ends: an event that refers to a REST
// schema must mean what REST means.
func TestFrontEndsAgree(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../spec/*/openapi.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no contracts: %v", err)
	}
	compared := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := openapi3.NewLoader().LoadFromData(text)
		if err != nil {
			t.Fatal(err)
		}
		var node yaml.Node
		if err := yaml.Unmarshal(text, &node); err != nil {
			t.Fatal(err)
		}
		fromKin := openapiFront{schemas: map[*openapi3.Schema]*Schema{}, refuse: func(where, format string, args ...any) {
			t.Errorf("%s%s: kin's front end: %s", file, where, fmt.Sprintf(format, args...))
		}}
		root := Place{File: file, Dialect: OpenAPI30, Node: node.Content[0]}
		fromNodes := JSONSchemas{Resolve: resolveLocal(root), Refuse: func(at Place, format string, args ...any) {
			t.Errorf("%s: %s", at, fmt.Sprintf(format, args...))
		}}
		components, _ := root.Member("components")
		schemas, _ := components.Member("schemas")
		names, places := schemas.Members()
		for i, name := range names {
			want, got := fromKin.schema(doc.Components.Schemas[name], "/components/schemas/"+name), fromNodes.Schema(places[i])
			withoutPlaces(want, nil)
			withoutPlaces(got, nil)
			if !reflect.DeepEqual(got, want) && !besideRef(text, name) {
				t.Errorf("%s: %s is read differently:\n%+v\n%+v", file, name, got, want)
			}
			compared++
		}
	}
	t.Logf("%d schemas", compared)
}

// besideRef reports whether a component uses an extension beside a $ref, which only the OpenAPI front end reads.
func besideRef(text []byte, name string) bool {
	_, component, _ := strings.Cut(string(text), "\n    "+name+":")
	for line := range strings.SplitSeq(component, "\n") {
		if strings.HasPrefix(line, "    ") && !strings.HasPrefix(line, "     ") {
			return false
		}
		if strings.Contains(line, "x-equals") {
			return true
		}
	}
	return false
}

func resolveLocal(root Place) func(Place, string) (Place, error) {
	return func(_ Place, ref string) (Place, error) {
		at := root
		for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			next, ok := at.Member(name)
			if !ok {
				return at, fmt.Errorf("there is no %s", ref)
			}
			at = next
		}
		return at, nil
	}
}

// withoutPlaces clears what says where a schema stands, and writes numbers as kin-openapi's float64 reads them.
func withoutPlaces(s *Schema, seen []*Schema) []*Schema {
	if s == nil || slices.Contains(seen, s) {
		return seen
	}
	seen = append(seen, s)
	s.Pointer = ""
	for _, literal := range []*string{&s.Minimum, &s.Maximum, &s.ExclusiveMinimum, &s.ExclusiveMaximum, &s.MultipleOf} {
		if v, err := strconv.ParseFloat(*literal, 64); err == nil {
			*literal = strconv.FormatFloat(v, 'g', -1, 64)
		}
	}
	for _, p := range s.Properties {
		seen = withoutPlaces(p.Schema, seen)
	}
	for _, part := range slices.Concat(s.AllOf, s.OneOf, s.AnyOf, []*Schema{s.Items, s.Not, s.AdditionalOf}) {
		seen = withoutPlaces(part, seen)
	}
	return seen
}
