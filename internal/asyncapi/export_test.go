package asyncapi

import (
	"fmt"
	"strings"
)

// RoundTrips writes a test for a document's generated package: every example is accepted, decoded, and written again as it was.
func RoundTrips(d *Document, opt Options) (test string, examples int) {
	w := &goWriter{doc: d, opt: opt, imports: map[string]bool{}}
	var b strings.Builder
	for _, m := range w.messages() {
		for _, example := range m.Examples {
			examples++
			fmt.Fprintf(&b, "\troundTrip[%s](t, p.%s, %q)\n", w.element(m.Type), w.programName(m), example)
		}
	}
	w.use("contract")
	w.use("realtime")
	w.use("json")
	w.imports["testing"] = true
	w.imports["reflect"] = true
	w.use("time")
	w.text.WriteString("func TestExamples(t *testing.T) {\n\tp, err := compile()\n\tif err != nil {\n\t\tt.Fatal(err)\n\t}\n" + b.String() + "}\n" + roundTrip)
	return w.file(false), examples
}

const roundTrip = `
func roundTrip[T any](t *testing.T, p *contract.Program, example string) {
	t.Helper()
	var v T
	if err := accept(p, []byte(example), &v); err != nil {
		t.Errorf("%s: %v", example, err)
		return
	}
	m, err := encode(&realtime.Message{}, v)
	if err != nil {
		t.Errorf("%s: %v", example, err)
		return
	}
	var want, got any
	if json.Unmarshal([]byte(example), &want) != nil || json.Unmarshal(m.Payload, &got) != nil || !reflect.DeepEqual(moments(got), moments(want)) {
		t.Errorf("%s became %s", example, m.Payload)
	}
	if err := p.Check(m.Payload, ""); err != nil {
		t.Errorf("%s: %v", m.Payload, err)
	}
}

// moments writes times as one form: the same instant may be written in several.
func moments(v any) any {
	switch v := v.(type) {
	case string:
		if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return at.UnixNano()
		}
	case []any:
		for i := range v {
			v[i] = moments(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = moments(v[k])
		}
	}
	return v
}
`
