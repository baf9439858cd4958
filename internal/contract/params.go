package contract

import (
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
)

// parameter is one compiled parameter. The generated stub reads the same texts from the same places: values and defaults
// are checked and filled in where it will look.
type parameter struct {
	name     string // as the contract writes it
	key      string // as the request has it: the canonical header name, else name
	in       string
	required bool
	array    bool
	explode  bool   // an array in the query: each item is a pair of its own
	sep      string // what separates the items of an array that is not exploded
	index    int    // of a path parameter: its place in Echo's values
	program  *Program
	defaults []string // what the request has when it says nothing; nil: no default. Shared, never written to

	empty     bool     // allowEmptyValue: an empty text counts as absent
	saturated []string // x-saturate: what a larger number than this becomes; nil: it is refused. Shared, never written to
}

// maxPairs bounds the pairs of a query; net/url silently drops a query of many more.
const maxPairs = 1000

// checkPath checks the path parameters. A value that the template cannot have meant was never this operation's: Echo's
// last parameter takes the rest of the path, slashes included, and its other parameters match nothing at all.
func (g *guarded) checkPath(c echo.Context, report *Report) {
	values := c.ParamValues()
	escaped := c.Request().URL.RawPath != ""
	for _, p := range g.op.path {
		text := values[p.index]
		if escaped {
			text, _ = url.PathUnescape(text) // net/url parsed the path: it is well-formed
		}
		report.At(InPath, p.name)
		if p.array {
			p.program.ValidateTexts(strings.Split(text, p.sep), report)
		} else {
			p.program.ValidateText(text, report)
		}
	}
}

// routed tells whether the values of Echo's path parameters are segments of the contract's template.
func routed(c echo.Context, params int) bool {
	if params == 0 {
		return true
	}
	escaped := c.Request().URL.RawPath != ""
	for _, value := range c.ParamValues() {
		if strings.IndexByte(value, '/') >= 0 {
			return false
		}
		if escaped {
			value, _ = url.PathUnescape(value)
		}
		if value == "" || value == "." || value == ".." {
			return false
		}
	}
	return true
}

// checkQuery checks the query parameters and fills in defaults.
func (g *guarded) checkQuery(c echo.Context, report *Report, found []Violation) []Violation {
	raw := c.Request().URL.RawQuery
	var broken []string
	if raw != "" && !plainQuery(raw) {
		found, broken = g.checkEncoding(raw, found)
	}
	if len(g.op.query) == 0 {
		return found
	}
	values := c.QueryParams()
	for _, p := range g.op.query {
		given, ok := values[p.name]
		if p.empty && len(given) == 1 && given[0] == "" {
			delete(values, p.name) // as the stub will see it
			ok = false
		}
		switch {
		case !ok && slices.Contains(broken, p.name):
		case !ok:
			if p.defaults != nil {
				values[p.name] = p.defaults
			} else if p.required {
				found = append(found, g.violation(p, "required"))
			}
		case p.array && len(given) == 1 && given[0] == "":
			found = append(found, g.violation(p, "type")) // no list: neither an empty one nor one of an empty text
		case p.array && p.explode:
			report.At(InQuery, p.name)
			p.program.ValidateTexts(given, report)
		case len(given) != 1:
			found = append(found, g.violation(p, "duplicate"))
		default:
			if p.saturated != nil && exceedsInt64(given[0]) {
				given = p.saturated
				values[p.name] = given
			}
			p.check(given[0], report)
		}
	}
	return found
}

// check checks the one text of a parameter.
func (p *parameter) check(text string, report *Report) {
	report.At(p.in, p.name)
	if p.array {
		p.program.ValidateTexts(strings.Split(text, p.sep), report)
	} else {
		p.program.ValidateText(text, report)
	}
}

// plainQuery tells that a query needs no look at its encoding: nothing is escaped, nothing is odd.
func plainQuery(raw string) bool {
	for i := 0; i < len(raw); i++ {
		if b := raw[i]; b == '%' || b == ';' || b >= utf8.RuneSelf || b < ' ' {
			return false
		}
	}
	return strings.Count(raw, "&") < maxPairs
}

// checkEncoding refuses what net/url would silently drop or pass on broken: bad escapes, semicolons in the pairs of known
// parameters, NUL and invalid UTF-8, thousands of pairs. broken are the names of parameters whose pair is refused here.
func (g *guarded) checkEncoding(raw string, found []Violation) (all []Violation, broken []string) {
	refuse := func(name, keyword string) {
		name = strings.ReplaceAll(strings.ToValidUTF8(name, "\uFFFD"), "\x00", "\uFFFD")
		found = append(found, g.violation(&parameter{in: InQuery, name: name}, keyword))
		broken = append(broken, name)
	}
	if strings.Count(raw, "&") >= maxPairs {
		refuse("", "encoding")
		return found, broken
	}
	for pair := range strings.SplitSeq(raw, "&") {
		key, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(key)
		if err != nil {
			refuse(key, "encoding")
			continue
		}
		text, err := url.QueryUnescape(value)
		switch {
		case err != nil, strings.IndexByte(pair, ';') >= 0 && g.namesQuery(pair):
			refuse(name, "encoding")
		case g.queryParameter(name) != nil: // its program looks at the text
		case !utf8.ValidString(name), !utf8.ValidString(text):
			refuse(name, "utf8")
		case strings.IndexByte(name, 0) >= 0, strings.IndexByte(text, 0) >= 0:
			refuse(name, "nul")
		}
	}
	return found, broken
}

// namesQuery tells whether one of the pairs that semicolons would make of pair names a parameter.
func (g *guarded) namesQuery(pair string) bool {
	for part := range strings.SplitSeq(pair, ";") {
		key, _, _ := strings.Cut(part, "=")
		if name, err := url.QueryUnescape(key); err == nil && g.queryParameter(name) != nil {
			return true
		}
	}
	return false
}

func (g *guarded) queryParameter(name string) *parameter {
	for _, p := range g.op.query {
		if p.name == name {
			return p
		}
	}
	return nil
}

// checkHeaders checks the header parameters and fills in defaults. A list may come in several lines (RFC 9110); the stub
// gets it in one.
func (g *guarded) checkHeaders(header http.Header, report *Report, found []Violation) []Violation {
	for _, p := range g.op.header {
		given, ok := header[p.key]
		switch {
		case !ok:
			if p.defaults != nil {
				header[p.key] = p.defaults
			} else if p.required {
				found = append(found, g.violation(p, "required"))
			}
		case len(given) == 1:
			p.check(given[0], report)
		case p.array:
			line := strings.Join(given, p.sep)
			header[p.key] = []string{line}
			p.check(line, report)
		default:
			found = append(found, g.violation(p, "duplicate"))
		}
	}
	return found
}

// checkCookies checks the cookie parameters and fills in defaults.
func (g *guarded) checkCookies(r *http.Request, report *Report, found []Violation) []Violation {
	for _, p := range g.op.cookie {
		given := r.CookiesNamed(p.name)
		switch {
		case len(given) == 0 && sentCookie(r.Header["Cookie"], p.name):
			// net/http drops a cookie whose value holds what a cookie cannot hold.
			found = append(found, g.violation(p, "encoding"))
		case len(given) == 0:
			if p.defaults != nil {
				r.AddCookie(&http.Cookie{Name: p.name, Value: p.defaults[0]})
			} else if p.required {
				found = append(found, g.violation(p, "required"))
			}
		case len(given) > 1:
			found = append(found, g.violation(p, "duplicate"))
		default:
			p.check(given[0].Value, report)
		}
	}
	return found
}

// sentCookie tells whether a Cookie header names a cookie, readable or not.
func sentCookie(lines []string, name string) bool {
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ";") {
			key, _, _ := strings.Cut(textproto.TrimString(part), "=")
			if textproto.TrimString(key) == name {
				return true
			}
		}
	}
	return false
}
