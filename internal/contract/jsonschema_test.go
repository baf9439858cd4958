package contract_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/guichet-api/guichet/internal/contract"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// compileDraft7 compiles a schema written as JSON, as it would stand in an AsyncAPI document.
func compileDraft7(text string) (*contract.Program, error) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return nil, err
	}
	root := contract.Place{File: "s.yaml", Dialect: contract.AsyncAPI, Node: document.Content[0]}
	var refused error
	front := contract.JSONSchemas{
		Resolve: func(_ contract.Place, ref string) (contract.Place, error) {
			at := root
			for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
				next, ok := at.Member(name)
				if !ok {
					return at, fmt.Errorf("no %s", ref)
				}
				at = next
			}
			return at, nil
		},
		Refuse: func(at contract.Place, format string, args ...any) {
			refused = fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...))
		},
	}
	s := front.Schema(root)
	if refused != nil {
		return nil, refused
	}
	return contract.NewCompiler(contract.CompilerConfig{File: "s.yaml", Lang: "en", UnknownFields: contract.IgnoreUnknown}).Compile(s)
}

// oracleDraft7 is santhosh-tekuri's opinion, formats included.
func oracleDraft7(schema map[string]any) (*jsonschema.Schema, error) {
	text, err := json.Marshal(schema)
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	c.AssertFormat()
	if err := c.AddResource("s.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("s.json")
}

// TestDifferentialDraft7 holds programs of the AsyncAPI front end against santhosh-tekuri/jsonschema, value by value, and
// counts for every keyword the values that it accepted and those that nothing else refused.
func TestDifferentialDraft7(t *testing.T) {
	t.Parallel()
	counts := map[string]*[2]int{}
	for _, name := range draft7Keywords {
		counts[name] = &[2]int{}
	}
	pairs, skipped := 0, 0
	for seed := range uint64(4000) {
		g := newDraft7(seed)
		schema := g.schema(3)
		program, oracle, text := bothDraft7(t, schema)
		if program == nil {
			skipped++
			continue
		}
		for range 8 {
			value := g.value(schema, 3)
			accepted := agreeDraft7(t, program, oracle, text, value)
			countDraft7(t, counts, schema, value, accepted)
			pairs++
		}
	}
	var table strings.Builder
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&table, "%-22s %7d accepted %7d refused\n", name, counts[name][0], counts[name][1])
		if counts[name][0] == 0 || counts[name][1] == 0 {
			t.Errorf("keyword %s was not exercised on both sides", name)
		}
	}
	t.Logf("%d pairs of schema and value, %d schemas that contradict themselves\n%s", pairs, skipped, table.String())
	if pairs < 20_000 {
		t.Errorf("%d pairs are too few", pairs)
	}
}

// FuzzDraft7 is the differential test with seeds of the fuzzer's choice.
func FuzzDraft7(f *testing.F) {
	for seed := range uint64(32) {
		f.Add(seed, `{"a":[1,"x",null]}`)
	}
	f.Fuzz(func(t *testing.T, seed uint64, free string) {
		g := newDraft7(seed)
		schema := g.schema(3)
		program, oracle, text := bothDraft7(t, schema)
		if program == nil {
			return
		}
		agreeDraft7(t, program, oracle, text, g.value(schema, 3))
		if plainJSON(free) {
			agreeDraft7(t, program, oracle, text, free)
		}
	})
}

// plainJSON reports whether a text is JSON that both sides see alike: ours refuses more of what is odd (repeated names,
// invalid UTF-8, NUL, great depth) and integers beyond 64 bits.
func plainJSON(text string) bool {
	if !json.Valid([]byte(text)) || strings.Contains(text, `\u`) || !strings.Contains(text, `{"a":`) || len(text) > 200 {
		return false
	}
	for _, r := range text {
		if r == '\uFFFD' || r == 0 || strings.ContainsRune("eE123456789", r) {
			return false
		}
	}
	return strings.Count(text, ":") < 2
}

func bothDraft7(t *testing.T, schema map[string]any) (*contract.Program, *jsonschema.Schema, string) {
	t.Helper()
	text, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	program, err := compileDraft7(string(text))
	if err != nil {
		if strings.Contains(err.Error(), "exclude each other") {
			return nil, nil, ""
		}
		t.Fatalf("%v\n%s", err, text)
	}
	oracle, err := oracleDraft7(schema)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return program, oracle, string(text)
}

// agreeDraft7 fails unless both say the same of a value.
func agreeDraft7(t *testing.T, program *contract.Program, oracle *jsonschema.Schema, schema, value string) bool {
	t.Helper()
	report := contract.NewReport(contract.InBody, "", "en")
	got := program.Validate([]byte(value), report)
	if want := judgeDraft7(t, oracle, value); got != (want == nil) {
		t.Fatalf("compiled: %v %v\njsonschema: %v\nschema: %s\nvalue: %s", got, report.Violations(), want, schema, value)
	}
	return got
}

func judgeDraft7(t *testing.T, oracle *jsonschema.Schema, value string) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(value))
	if err != nil {
		t.Fatalf("%v: %s", err, value)
	}
	return oracle.Validate(v)
}

// countDraft7 counts a value for the keywords at the schema's top. Refused counts only where the value is accepted
// without the keyword.
func countDraft7(t *testing.T, counts map[string]*[2]int, schema map[string]any, value string, accepted bool) {
	t.Helper()
	for name := range schema {
		count := counts[name]
		if parts, ok := schema[name].([]any); ok && name == "allOf" && len(parts) == 1 {
			count = counts["$ref"] // which stands alone
		}
		switch {
		case count == nil: // definitions
		case accepted:
			count[0]++
		case count[1] < 25: // enough: each costs a compilation
			without := maps.Clone(schema)
			delete(without, name)
			if name == "items" {
				delete(without, "additionalItems")
			}
			oracle, err := oracleDraft7(without)
			if err == nil && judgeDraft7(t, oracle, value) == nil {
				count[1]++
			}
		}
	}
}
