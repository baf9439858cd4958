package contract

import (
	"encoding/base64"
	"errors"
	"net/mail"
	"net/netip"
	"net/url"
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
	dateTime := regexp.MustCompile(openapi3.FormatOfStringDateTime)        // Go alone reads a lone digit as an hour
	legal := regexp.MustCompile(`^[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*$`) // url.Parse escapes what RFC 3986 wants escaped
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
		"byte":          func(s string) bool { _, err := base64.StdEncoding.Strict().DecodeString(s); return err == nil },
		"uri":           func(s string) bool { u, err := url.Parse(s); return err == nil && u.IsAbs() && legal.MatchString(s) },
		"uri-reference": func(s string) bool { _, err := url.Parse(s); return err == nil && legal.MatchString(s) },
		"hostname":      func(s string) bool { return len(s) < 254 && hostname.MatchString(s) },
		"ipv4":          func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is4() },
		"ipv6":          func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is6() && a.Zone() == "" },
	}
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
	const schemas, values = 4000, 10
	counts := newKeywordCounts()
	pairs, filled := 0, 0
	for seed := range uint64(schemas) {
		g := newGenerator(seed)
		s := g.schema(3)
		p, err := NewCompiler(CompilerConfig{File: "generated", Lang: "en", UnknownFields: IgnoreUnknown}).OpenAPI(s.NewRef(), "")
		if err != nil {
			if !strings.Contains(err.Error(), "exclude each other") {
				t.Fatalf("seed %d: %v\n%s", seed, err, encode(s))
			}
			continue
		}
		sub := subject{s, encode(s), p}
		for range values {
			text := g.value(s, 4)
			r := NewReport(InBody, "", "en")
			agree(t, sub, text, r)
			counts.add(sub, text, r)
			pairs++
			if len(r.inserts) > 0 {
				filled++
			}
		}
	}
	t.Logf("%d pairs of schema and value, %d values completed with defaults\n%s", pairs, filled, counts)
	if pairs < 20_000 || filled < 100 {
		t.Errorf("%d pairs, %d completed: too few", pairs, filled)
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
