package contract

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// kinAccepts asks kin-openapi about a request to op. params are the raw texts of the path's parameters.
func kinAccepts(t testing.TB, op *Operation, r *http.Request, params map[string]string) bool {
	t.Helper()
	decoded := map[string]string{}
	for name, text := range params {
		text, err := url.PathUnescape(text)
		if err != nil {
			t.Fatal(err)
		}
		decoded[name] = text
	}
	doc := op.contract.Doc
	return openapi3filter.ValidateRequest(context.Background(), &openapi3filter.RequestValidationInput{
		Request: r, PathParams: decoded,
		Route: &routers.Route{Spec: doc, Path: op.Path, PathItem: doc.Paths.Value(op.Path), Method: op.Method, Operation: op.doc},
		Options: &openapi3filter.Options{
			AuthenticationFunc:      openapi3filter.NoopAuthenticationFunc,
			SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.WithStringFormatValidators(kinFormats())},
		},
	}) == nil
}

// stricter are the rules that kin-openapi does not know: broken encodings, parameters given twice, and numbers and booleans
// that Go's parsers take and JSON does not ("0x1p4", "NaN", "T", "+1").
var stricter = []string{"encoding", "utf8", "nul", "duplicate", "type", "format"}

// compare sends one request to both. What the guard lets through kin-openapi must accept and the stub must be able to read;
// what only the guard refuses must break a rule that kin-openapi does not know.
func (h *harness) compare(build func() *http.Request, op *Operation, params map[string]string) (accepted bool) {
	h.t.Helper()
	r := build()
	h.send(r)
	accepted = h.called == op.ID && h.refused == nil
	if h.called != "" && h.refused != nil {
		h.t.Errorf("%s %v: the stub: %v", r.RequestURI, r.Header, h.refused)
		return accepted
	}
	asked := build()
	asked.URL.RawQuery = withoutEmpty(op, asked.URL.RawQuery)
	switch kin := kinAccepts(h.t, op, asked, params); {
	case accepted && !kin:
		h.t.Errorf("%s %v: only the guard accepts it", r.RequestURI, r.Header)
	case !accepted && kin:
		for _, line := range h.broken() {
			if keyword := line[strings.LastIndexByte(line, ' ')+1:]; !slices.Contains(stricter, keyword) {
				h.t.Errorf("%s %v: only the guard refuses it: %s", r.RequestURI, r.Header, line)
			}
		}
	}
	return accepted
}

// withoutEmpty leaves out of a query what allowEmptyValue makes absent. To kin-openapi that keyword allows an empty value, and the
// schema refuses it nevertheless.
func withoutEmpty(op *Operation, query string) string {
	pairs := strings.Split(query, "&")
	return strings.Join(slices.DeleteFunc(pairs, func(pair string) bool {
		name, text, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		return err == nil && text == "" && slices.ContainsFunc(op.query, func(p *parameter) bool { return p.name == name && p.empty })
	}), "&")
}

// TestRequestsAsKin draws requests from good and bad texts for every parameter and compares the guard with kin-openapi. Every
// text must have been seen accepted or refused, as it is good or bad.
func TestRequestsAsKin(t *testing.T) {
	t.Parallel()
	h, _ := stylesHarness(t)
	op := h.contract.Operation("getStyles")
	type texts struct{ good, bad []string }
	pool := map[string]texts{
		"path id":       {[]string{"1", "42", "%31"}, []string{"0", "x", "-1", "1.5"}},
		"path list":     {[]string{"a", "a,b", "%C3%A9", "a%2Fb"}, []string{"a,b,c,d", "123456789"}},
		"query page":    {[]string{"1", "7"}, []string{"0", "-3", "x", "1.5"}},
		"query ratio":   {[]string{"0", "-1.5", "9.99", "1e1"}, []string{"10.1", "x", "1e2"}},
		"query flag":    {[]string{"true", "false", ""}, []string{"yes", "2"}},
		"query q":       {[]string{"ab", "%C3%A9t%C3%A9", "a+b", "%26%3D"}, []string{"a", strings.Repeat("x", 21), "%C3%A9"}},
		"query sort":    {[]string{"name", "date", ""}, []string{"NAME", "x"}},
		"query since":   {[]string{"", "2025-01-02T03:04:05Z", "2025-01-02T03:04:05.123%2B01:00"}, []string{"2025-01-02", "now"}},
		"query day":     {[]string{"2025-01-02", "2024-02-29"}, []string{"2025-02-29", "today"}},
		"query owner":   {[]string{"550e8400-e29b-41d4-a716-446655440000"}, []string{"550e8400", "x"}},
		"query tag":     {[]string{"a", "a&tag=b", "a&tag=b&tag=c"}, []string{"a&tag=a", "a&tag=b&tag=c&tag=d"}},
		"query n":       {[]string{"1", "1,2", "-1,0"}, []string{"1,x", "a"}},
		"query w":       {[]string{"a", "a%20b", "a+b"}, []string{"abcdef", "a%20abcdef"}},
		"query p":       {[]string{"true", "true%7Cfalse", "true|false"}, []string{"true%7Cno"}},
		"query unknown": {[]string{"", "x", "1&unknown=2"}, nil},
		"header Trace":  {[]string{"a", "0af"}, []string{"g", "A"}},
		"header Level":  {[]string{"1", "-5"}, []string{"x", "1.5"}},
		"header Langs":  {[]string{"fr", "fr,en"}, []string{"de", "fr,de"}},
		"cookie theme":  {[]string{"light", "dark"}, []string{"blue"}},
		"cookie seen":   {[]string{"1", "1,2"}, []string{"x", "1,x"}},
	}
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range pool {
			if !yield(name) {
				return
			}
		}
	})
	random := rand.New(rand.NewPCG(1, 2))
	seen := map[string]int{}
	for range 3000 {
		params, query, header, good := map[string]string{}, []string{}, http.Header{}, true
		var used []string
		for _, name := range names {
			in, key, _ := strings.Cut(name, " ")
			if in != "path" && random.IntN(3) > 0 {
				continue
			}
			list := pool[name].good
			if len(pool[name].bad) > 0 && random.IntN(12) == 0 {
				list, good = pool[name].bad, false
			}
			text := list[random.IntN(len(list))]
			used = append(used, name+" "+text)
			switch in {
			case "path":
				params[key] = text
			case "query":
				query = append(query, key+"="+text)
			case "header":
				header.Set("X-"+key, text)
			case "cookie":
				header["Cookie"] = []string{strings.TrimPrefix(strings.Join(header["Cookie"], "")+"; "+key+"="+text, "; ")}
			}
		}
		target := "/styles/" + params["id"] + "/" + params["list"] + "?" + strings.Join(query, "&")
		accepted := h.compare(func() *http.Request {
			r := request("GET", target, nil)
			r.Header = header.Clone()
			return r
		}, op, params)
		if accepted != good {
			t.Errorf("%s %v: accepted %t (%v)", target, header, accepted, h.refused)
		}
		for _, text := range used {
			seen[text]++
		}
		seen[fmt.Sprint(accepted)]++
	}
	for name, texts := range pool {
		for _, text := range slices.Concat(texts.good, texts.bad) {
			if seen[name+" "+text] == 0 {
				t.Errorf("%s %s was never sent", name, text)
			}
		}
	}
	t.Logf("%d requests accepted, %d refused", seen["true"], seen["false"])
}

// TestBodiesAsKin compares bodies of every operation that takes JSON.
func TestBodiesAsKin(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	for _, body := range []string{
		goodItem, `{}`, `[]`, `null`, `1`, `"x"`, `{"code":"ABC-12"}`, `{"code":"abc","quantity":3}`, `{"code":"ABC-12","quantity":0}`,
		`{"code":"ABC-12","quantity":101}`, `{"code":"ABC-12","quantity":1.5}`, `{"code":"ABC-12","quantity":3,"kind":"x"}`,
		`{"code":"ABC-12","quantity":3,"tags":[]}`, `{"code":"ABC-12","quantity":3,"tags":["1","2","3","4"]}`,
		`{"code":"ABC-12","quantity":3,"note":"` + strings.Repeat("é", 20) + `"}`, `{"code":"ABC-12","quantity":3,"note":"` + strings.Repeat("é", 21) + `"}`,
		`{"code":"ABC-12","quantity":3,"note":null}`, `{`, `{} {}`, `tru`,
	} {
		for target, id := range map[string]string{"/items": "createItem", "/either": "sendEither"} {
			h.compare(func() *http.Request { return request("POST", target, strings.NewReader(body), asJSON) }, h.contract.Operation(id), nil)
		}
	}
}

// FuzzRequest compares paths, queries, headers and cookies of any form.
func FuzzRequest(f *testing.F) {
	for _, seed := range [][4]string{
		{"/styles/1/a,b", "page=2&tag=a&tag=b&n=1,2&w=a+b&p=true%7Cfalse", "3", "theme=dark; seen=1"},
		{"/styles/%31/a%2Fb", "q=%C3%A9%00&since=2025-01-02T03:04:05Z&%70age=1&page=1", "", "seen=\"1\""},
		{"/styles//..", "a;b=1&ratio=0x1p4&flag=T&day=2025-02-29", "+1", "a=b;theme"},
		{"/styles/1/a/b", "%zz&%=%&&==", "1e1", "\xff"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	h, _ := stylesHarness(f)
	op := h.contract.Operation("getStyles")
	f.Fuzz(func(t *testing.T, path, query, level, cookie string) {
		parsed, err := url.ParseRequestURI(path + "?" + query)
		if err != nil || !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?#") || strings.ContainsAny(level+cookie, "\r\n\x00") {
			t.Skip("no server would have read this request")
		}
		h.t = t
		segments := strings.Split(parsed.EscapedPath(), "/")
		if parsed.RawPath == "" {
			segments = strings.Split(parsed.Path, "/")
			for i := range segments {
				segments[i] = url.PathEscape(segments[i])
			}
		}
		if len(segments) != 4 || segments[1] != "styles" {
			h.send(request("GET", path+"?"+query, nil))
			if h.called == op.ID {
				t.Errorf("%q reached %s", path, h.called)
			}
			return
		}
		build := func() *http.Request {
			r := request("GET", path+"?"+query, nil)
			r.Header["X-Level"], r.Header["Cookie"] = []string{level}, []string{cookie}
			return r
		}
		h.compare(build, op, map[string]string{"id": segments[2], "list": segments[3]})
	})
}
