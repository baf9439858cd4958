package contract

import (
	"encoding/base64"
	"errors"
	"net/mail"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
)

func encode(v any) string {
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic(err)
	}
	return string(text)
}

// decode reads a value as the oracle sees it: numbers are float64.
func decode(text []byte) (any, error) {
	var v any
	err := json.Unmarshal(text, &v)
	return v, err
}

var errFormat = errors.New("format")

// oracleChecks are the formats as the standard library and the generated types understand them: an opinion that owes
// nothing to format.go.
func oracleChecks() map[string]func(string) bool {
	hostname := regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`)
	dateTime := regexp.MustCompile(openapi3.FormatOfStringDateTime) // Go alone reads a lone digit as an hour
	uri := uriGrammar()
	literal := func(m []string) bool { // an IP literal, after a scheme or not
		a, err := netip.ParseAddr(m[2] + m[3])
		return m[2]+m[3] == "" || err == nil && a.Is6()
	}
	return map[string]func(string) bool{
		"date":      func(s string) bool { _, err := time.Parse(time.DateOnly, s); return err == nil },
		"date-time": func(s string) bool { return dateTime.MatchString(s) && new(time.Time).UnmarshalText([]byte(s)) == nil },
		"time": func(s string) bool {
			s = "2025-01-01T" + s
			return dateTime.MatchString(s) && new(time.Time).UnmarshalText([]byte(s)) == nil
		},
		"uuid": func(s string) bool { return len(s) == 36 && uuid.Validate(s) == nil },
		"email": func(s string) bool {
			a, err := mail.ParseAddress(s)
			return err == nil && a.Address == s && hostname.MatchString(s[strings.LastIndexByte(s, '@')+1:])
		},
		"byte": func(s string) bool { // the library skips line ends
			_, err := base64.StdEncoding.Strict().DecodeString(s)
			return err == nil && !strings.ContainsAny(s, "\r\n")
		},
		"uri":           func(s string) bool { m := uri.FindStringSubmatch(s); return m != nil && m[1] != "" && literal(m) },
		"uri-reference": func(s string) bool { m := uri.FindStringSubmatch(s); return m != nil && literal(m) },
		"hostname":      func(s string) bool { return len(s) < 254 && hostname.MatchString(s) },
		"ipv4":          func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is4() },
		"ipv6":          func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is6() && a.Zone() == "" },
	}
}

// uriGrammar is RFC 3986's URI-reference, put together from its rules; url.Parse lets more pass. The groups are the scheme
// and the IP literal.
func uriGrammar() *regexp.Regexp {
	const (
		hex       = `%[0-9A-Fa-f]{2}`
		name      = `[A-Za-z0-9._~!$&'()*+,;=-]|` + hex
		pchar     = `(?:` + name + `|[:@])`
		segments  = `(?:` + pchar + `|/)*`
		authority = `//(?:(?:` + name + `|:)*@)?(?:\[([0-9A-Fa-f:.]+)\]|(?:` + name + `)*)(?::[0-9]*)?(?:/` + segments + `)?`
		absolute  = `/(?:` + pchar + segments + `)?`
		rootless  = pchar + segments
		noscheme  = `(?:` + name + `|@)+(?:/` + segments + `)?`
		tail      = `(?:` + pchar + `|[/?])*`
	)
	return regexp.MustCompile(`^(?:([A-Za-z][A-Za-z0-9+.-]*):(?:` + authority + `|` + absolute + `|` + rootless + `|)|(?:` +
		authority + `|` + absolute + `|` + noscheme + `|))(?:\?` + tail + `)?(?:#` + tail + `)?$`)
}

// oracleOptions make kin-openapi check what we check.
func oracleOptions() []openapi3.SchemaValidationOption {
	options := []openapi3.SchemaValidationOption{
		openapi3.VisitAsRequest(), openapi3.MultiErrors(),
		openapi3.WithNumberFormatValidator("float", openapi3.NewRangeFormatValidator(-3.4028235677973366e38, 3.4028235677973366e38)),
	}
	for name, valid := range oracleChecks() {
		options = append(options, openapi3.WithStringFormatValidator(name, openapi3.NewCallbackValidator(func(s string) error {
			if !valid(s) {
				return errFormat
			}
			return nil
		})))
	}
	return options
}

var oracle = oracleOptions()

func visit(s *openapi3.Schema, value any) error { return s.VisitJSON(value, oracle...) }

// mustCompile compiles a schema that is expected to compile.
func mustCompile(t testing.TB, s *openapi3.Schema, unknown UnknownFields) *Program {
	t.Helper()
	p, err := NewCompiler(CompilerConfig{File: "test.yaml", Lang: "en", UnknownFields: unknown}).OpenAPI(s.NewRef(), "/s")
	if err != nil {
		t.Fatalf("%v\n%s", err, encode(s))
	}
	return p
}

// TestDifferential holds compiled programs against kin-openapi, value by value, and counts for every keyword how many
// values it accepted and refused.
func TestDifferential(t *testing.T) {
	t.Parallel()
	const schemas, values = 2600, 10
	counts := newKeywordCounts()
	pairs, filled, unknown := 0, 0, 0
	for seed := range uint64(schemas) {
		g := newGenerator(seed)
		s := g.schema(3)
		p, err := NewCompiler(CompilerConfig{File: "generated", Lang: "en", UnknownFields: IgnoreUnknown}).OpenAPI(s.NewRef(), "")
		if err != nil {
			if !strings.Contains(encode(s), `"allOf":`) { // whose parts may exclude each other, or a default of one of them
				t.Fatalf("seed %d: %v\n%s", seed, err, encode(s))
			}
			continue
		}
		sub := subject{s, encode(s), p}
		closed := sub
		closed.program, err = NewCompiler(CompilerConfig{File: "generated", Lang: "en"}).OpenAPI(s.NewRef(), "")
		if err != nil && !strings.Contains(err.Error(), "not a known field") { // a default may have one
			t.Fatalf("seed %d: %v\n%s", seed, err, sub.text)
		}
		for range values {
			text := g.value(s, 4)
			r := NewReport(InBody, "", "en")
			agree(t, sub, text, r)
			counts.add(sub, text, r)
			unknown += strict(t, closed, text, r)
			pairs++
			if len(r.inserts) > 0 {
				filled++
			}
		}
	}
	t.Logf("%d pairs of schema and value, %d values completed with defaults, %d with unknown fields\n%s", pairs, filled, unknown, counts)
	if pairs < 20_000 || filled < 50 || unknown < 100 {
		t.Errorf("%d pairs, %d completed, %d with unknown fields: too few", pairs, filled, unknown)
	}
	for _, missing := range counts.missing() {
		t.Errorf("keyword %s was not exercised on both sides", missing)
	}
}

// agree fails unless the program and kin-openapi say the same of a value, or an exception applies.
func agree(t testing.TB, s subject, text string, r *Report) {
	t.Helper()
	value, err := decode([]byte(text))
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	got, want := s.program.Validate([]byte(text), r), visit(s.schema, value)
	if got != (want == nil) && !excused(s, text) {
		t.Fatalf("compiled: %v %v\nkin-openapi: %v\nschema: %s\nvalue: %s", got, r.Violations(), want, s.text, text)
	}
	// kin-openapi replaces null by a default, and fills in the defaults of what must not match; neither is ours to do.
	if got && want == nil && strings.Contains(s.text, `"default":`) &&
		!strings.Contains(text, "null") && !strings.Contains(s.text, `"not":`) {
		agreeOnDefaults(t, s, text, r)
	}
}

// strict fails unless refusing unknown fields adds just that to what is wrong with a value, and counts the values to which
// it did. A branch may match or not for it, so schemas with branches are left out.
func strict(t testing.TB, s subject, text string, ignoring *Report) int {
	t.Helper()
	if s.program == nil || strings.Contains(s.text, `"oneOf"`) || strings.Contains(s.text, `"anyOf"`) {
		return 0
	}
	r := NewReport(InBody, "", "en")
	s.program.Validate([]byte(text), r)
	rest := slices.DeleteFunc(slices.Clone(r.Violations()), func(v Violation) bool { return v.Keyword == "unknown" })
	if !slices.Equal(rest, ignoring.Violations()) {
		t.Fatalf("refusing unknown fields: %v\nignoring them: %v\nschema: %s\nvalue: %s", r.Violations(), ignoring.Violations(), s.text, text)
	}
	return min(1, len(r.Violations())-len(rest))
}

// agreeOnDefaults compares the value as both complete it with defaults.
func agreeOnDefaults(t testing.TB, s subject, text string, r *Report) {
	t.Helper()
	value, err := decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.schema.VisitJSON(value, append(slices.Clone(oracle), openapi3.DefaultsSet(func() {}))...); err != nil {
		return // a default of one branch made another match
	}
	completed, err := decode(r.WithDefaults([]byte(text)))
	if err != nil {
		t.Fatalf("%v: %s", err, r.WithDefaults([]byte(text)))
	}
	if strings.Contains(encode(completed), "null") {
		return // within a default
	}
	if encode(completed) != encode(value) && !excused(s, text) {
		t.Fatalf("defaults: %s\nkin-openapi: %s\nschema: %s\nvalue: %s", encode(completed), encode(value), s.text, text)
	}
}
