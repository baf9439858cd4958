package testkit

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// attempt is one broken request.
type attempt struct {
	Request
	what   string   // is broken, for people
	fields []string // one of which the refusal must name; none: any
}

// names tells whether a violation was found where something is broken, or below.
func (a attempt) names(found []string) bool {
	return len(a.fields) == 0 || slices.ContainsFunc(a.fields, func(field string) bool {
		return slices.ContainsFunc(found, func(at string) bool { return at == field || strings.HasPrefix(at, field+".") })
	})
}

// kind is one way to break a request. make answers the requests that a draft can be broken into that way; nil marks the kinds
// of valid requests.
type kind struct {
	name   string
	status int // of the refusal
	make   func(r *raid, draft *Draft) []attempt
}

// The kinds of valid requests.
const (
	kindValid    = "valid"          // prepared: succeeds
	kindStranger = "valid, strange" // not prepared: what it names may not exist
)

// kinds are all ways to break a request, in the order in which they are sent.
var kinds = []kind{
	{kindValid, 0, nil},
	{kindStranger, 0, nil},
	{"no token", http.StatusUnauthorized, noToken},
	{"malformed token", http.StatusUnauthorized, malformedToken},
	{"tampered token", http.StatusUnauthorized, tamperedToken},
	{"foreign token", http.StatusUnauthorized, refusedToken("foreign token")},
	{"expired token", http.StatusUnauthorized, refusedToken("expired token")},
	{"revoked token", http.StatusUnauthorized, refusedToken("revoked token")},
	{"wrong role", http.StatusForbidden, wrongRole},
	{"unknown route", http.StatusNotFound, unknownRoute},
	{"wrong method", http.StatusMethodNotAllowed, wrongMethod},
	{"missing", http.StatusBadRequest, missing},
	{"null", http.StatusBadRequest, fieldKind("null")},
	{"type", http.StatusBadRequest, fieldKind("type")},
	{"range", http.StatusBadRequest, fieldKind("range")},
	{"length", http.StatusBadRequest, fieldKind("length")},
	{"format", http.StatusBadRequest, fieldKind("format")},
	{"pattern", http.StatusBadRequest, fieldKind("pattern")},
	{"enum", http.StatusBadRequest, fieldKind("enum")},
	{"unequal", http.StatusBadRequest, unequal},
	{"unknown field", http.StatusBadRequest, unknownField},
	{"duplicate key", http.StatusBadRequest, duplicateKey},
	{"wrong case", http.StatusBadRequest, wrongCase},
	{"NUL", http.StatusBadRequest, nul},
	{"invalid UTF-8", http.StatusBadRequest, invalidUTF8},
	{"repeated parameter", http.StatusBadRequest, repeatedParameter},
	{"bad escape", http.StatusBadRequest, badEscape},
	{"no body", http.StatusBadRequest, noBody},
	{"not JSON", http.StatusBadRequest, notJSON},
	{"trailing data", http.StatusBadRequest, trailingData},
	{"deep nesting", http.StatusBadRequest, deepNesting},
	{"oversized", http.StatusRequestEntityTooLarge, oversized},
	{"media type", http.StatusUnsupportedMediaType, mediaType},
	{"content coding", http.StatusUnsupportedMediaType, contentCoding},
}

// withToken is the draft's request with other Authorization headers.
func (d *Draft) withToken(what string, values ...string) attempt {
	request := d.request()
	request.Header.Del("Authorization")
	for _, value := range values {
		request.Header.Add("Authorization", value)
	}
	return attempt{Request: request, what: what}
}

func noToken(_ *raid, d *Draft) []attempt {
	if d.Token == "" {
		return nil
	}
	return []attempt{d.withToken("no Authorization")}
}

func malformedToken(_ *raid, d *Draft) []attempt {
	if d.Token == "" {
		return nil
	}
	header, payload, isJWT := strings.Cut(d.Token, ".")
	if !isJWT {
		header = d.Token[:len(d.Token)/2]
	}
	return []attempt{
		d.withToken("an empty Authorization", ""),
		d.withToken("a scheme without a token", "Bearer"),
		d.withToken("a token without a scheme", d.Token),
		d.withToken("another scheme", "Basic "+d.Token),
		d.withToken("no JWT", "Bearer 12345"),
		d.withToken("a JWT of the algorithm none", "Bearer eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0."+payload[:strings.LastIndexByte(payload, '.')+1]),
		d.withToken("half a token", "Bearer "+header),
		d.withToken("something behind the token", "Bearer "+d.Token+" "+d.Token),
		d.withToken("two tokens", "Bearer "+d.Token, "Bearer "+d.Token),
		d.withToken("a very long token", "Bearer "+strings.Repeat("a", 100_000)),
	}
}

// tamperedToken changes one character of each part.
func tamperedToken(_ *raid, d *Draft) []attempt {
	if d.Token == "" {
		return nil
	}
	var all []attempt
	for i, part := range strings.Split(d.Token, ".") {
		parts := strings.Split(d.Token, ".")
		middle := len(part) / 2
		other := "A"
		if part[middle] == 'A' {
			other = "B"
		}
		parts[i] = part[:middle] + other + part[middle+1:]
		all = append(all, d.withToken("part "+strconv.Itoa(i)+" changed", "Bearer "+strings.Join(parts, ".")))
	}
	return all
}

func refusedToken(kind string) func(*raid, *Draft) []attempt {
	return func(r *raid, d *Draft) []attempt {
		if d.Token == "" || r.Refused[kind] == "" {
			return nil
		}
		return []attempt{d.withToken(kind, "Bearer "+r.Refused[kind])}
	}
}

func wrongRole(r *raid, d *Draft) []attempt {
	roles := rolesOf(d.Operation)
	if len(roles) == 0 {
		return nil
	}
	var all []attempt
	for _, role := range r.Roles {
		if slices.Contains(roles, role) {
			continue
		}
		token, err := r.Token(r.t.Context(), role)
		if err != nil {
			r.t.Error(err)
			continue
		}
		all = append(all, d.withToken("role "+role, "Bearer "+token))
	}
	return all
}

// unknownRoute changes the path into one that the contract does not have.
func unknownRoute(r *raid, d *Draft) []attempt {
	path, _, _ := strings.Cut(d.path(), "?")
	trimmed := strings.TrimSuffix(path, "/")
	var all []attempt
	for _, other := range []string{trimmed + "/unknown", trimmed + "/", strings.ToUpper(path), "/" + path, trimmed + "/..", trimmed + "%2f"} {
		if other == path || !strings.HasPrefix(other, "/") || r.Spec.hasPath(other) {
			continue
		}
		request := d.request()
		request.Path = other
		all = append(all, attempt{Request: request, what: "path " + other})
	}
	return all
}

// hasPath tells whether any operation has the path.
func (s *Spec) hasPath(path string) bool {
	return slices.ContainsFunc(s.operations, func(op Operation) bool {
		_, ok := matchPath(op.Path, path)
		return ok
	})
}

func wrongMethod(r *raid, d *Draft) []attempt {
	var all []attempt
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, "BREW"} {
		request := d.request()
		request.Method = method
		if op, _ := r.Spec.Find(method, request.Path); op == nil {
			all = append(all, attempt{Request: request, what: "method " + method})
		}
	}
	return all
}

// withQuery is the draft's request with something added to its query.
func (d *Draft) withQuery(add, what string, fields ...string) attempt {
	request := d.request()
	separator := "?"
	if strings.Contains(request.Path, "?") {
		separator = "&"
	}
	request.Path += separator + add
	return attempt{Request: request, what: what, fields: fields}
}

func repeatedParameter(_ *raid, d *Draft) []attempt {
	var all []attempt
	for _, p := range parametersOf(d.Operation) {
		if p.In != "query" || facetsOf(p.Schema).is("array") {
			continue
		}
		again := p.Name + "=" + url.QueryEscape(d.Params[p.Name])
		if _, given := d.Params[p.Name]; !given {
			again += "&" + again
		}
		all = append(all, d.withQuery(again, p.Name+" twice", p.Name))
	}
	return all
}

// badEscape breaks the percent-encoding of a query parameter.
func badEscape(_ *raid, d *Draft) []attempt {
	var all []attempt
	for _, p := range parametersOf(d.Operation) {
		if p.In != "query" {
			continue
		}
		without := *d
		without.Params = maps.Clone(d.Params)
		delete(without.Params, p.Name)
		for _, value := range []string{"%zz", "%", "1%4"} {
			all = append(all, without.withQuery(p.Name+"="+value, p.Name+" badly escaped", p.Name))
		}
		all = append(all, d.withQuery("%zz=1", "a badly escaped name"))
	}
	return all
}
