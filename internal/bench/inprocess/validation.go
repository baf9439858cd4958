package inprocess

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/guichet-api/guichet/internal/bench/table"
	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/spec"
)

// bodies are valid request bodies by the schema that they are values of.
func bodies() [][2]string {
	return [][2]string{
		{"CreatePrizeRequest", creation},
		{"PlayRequest", `{"ticketCode":"ABC-DEFG-HIJK"}`},
		{"RegisterRequest", `{"email":"user@example.com","password":"Password123","confirmPassword":"Password123",` +
			`"firstName":"John","lastName":"Doe","phone":"0612345678","address":"1 rue de Paris","city":"Paris","postalCode":"75001"}`},
		{"ValidateTicketRequest", `{"ticketId":"550e8400-e29b-41d4-a716-446655440000","action":"validate"}`},
	}
}

// validation measures the compiled programs alone, prints what they cost, and reports whether none of them allocates.
func validation(out io.Writer) (bool, error) {
	doc, err := openapi3.NewLoader().LoadFromData(spec.Tiptop)
	if err != nil {
		return false, fmt.Errorf("inprocess: %w", err)
	}
	compiler := contract.NewCompiler(contract.CompilerConfig{File: "spec/tiptop/openapi.yaml", Lang: "fr"})
	shown := table.Table{
		Title:   "Validation of a valid body alone",
		Columns: []string{"<schema", "bytes", "µs/op", "allocs/op", "must", "<verdict"},
	}
	good := true
	for _, body := range bodies() {
		name, value := body[0], []byte(body[1])
		program, err := compiler.OpenAPI(doc.Components.Schemas[name], "/components/schemas/"+name)
		if err != nil {
			return false, fmt.Errorf("inprocess: %w", err)
		}
		report := contract.NewReport(contract.InBody, "", "fr")
		if !program.Validate(value, report) {
			return false, fmt.Errorf("inprocess: %s refuses %s: %v", name, value, report.Violations())
		}
		if report.Reset(contract.InBody, "", "fr"); program.Validate([]byte(`[]`), report) {
			return false, errors.New("inprocess: " + name + " accepts an array: nothing was compiled")
		}
		validate := func() {
			report.Reset(contract.InBody, "", "fr")
			program.Validate(value, report)
		}
		allocs := testing.AllocsPerRun(1000, validate)
		verdict := table.Passed
		if allocs != 0 {
			verdict, good = table.Missed, false
		}
		shown.Add(name, fmt.Sprint(len(value)), fmt.Sprintf("%.2f", float64(fastest(validate))/float64(time.Microsecond)),
			fmt.Sprintf("%.0f", allocs), "0", string(verdict))
	}
	return good, shown.Write(out)
}

// fastest is the shortest of five timings of f.
func fastest(f func()) time.Duration {
	const n = 20_000
	best := time.Duration(0)
	for range 5 {
		start := time.Now()
		for range n {
			f()
		}
		if took := time.Since(start) / n; best == 0 || took < best {
			best = took
		}
	}
	return best
}
