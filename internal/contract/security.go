package contract

import (
	"context"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"
)

// credential is where one security scheme finds its secret in a request.
type credential struct {
	scheme string // its name in the document's securitySchemes
	in     string // InHeader, InQuery or InCookie
	name   string // header (canonical), query parameter or cookie
	bearer bool   // the header holds "Bearer <secret>"
}

// find is the request's secret for this scheme. A secret that is malformed or given twice is found and empty.
func (k credential) find(c echo.Context) (secret string, found bool) {
	var values []string
	switch k.in {
	case InQuery:
		values = c.QueryParams()[k.name]
	case InCookie:
		for _, cookie := range c.Request().CookiesNamed(k.name) {
			values = append(values, cookie.Value)
		}
	default:
		values = c.Request().Header[k.name]
	}
	switch {
	case len(values) == 0:
		return "", false
	case len(values) > 1:
		return "", true
	case k.bearer:
		return bearer(values[0])
	}
	return values[0], true
}

// bearer is the token in "Bearer <token>" (RFC 6750; the word in any case, RFC 9110). Another scheme's header is none.
func bearer(header string) (token string, found bool) {
	word, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(word, "Bearer") {
		return "", false
	}
	token = strings.Trim(token, " ")
	if strings.ContainsAny(token, " ,") {
		return "", true
	}
	return token, true
}

// authenticate lets the request through, or not. The first scheme of the contract that finds its secret decides; who sends a
// wrong secret is refused even where none is needed.
func (g *guarded) authenticate(c echo.Context) error {
	for _, k := range g.op.security {
		secret, found := k.find(c)
		if !found {
			continue
		}
		if secret == "" {
			return g.unauthenticated(c)
		}
		r := c.Request()
		ctx, role, err := g.config.Authenticate(r.Context(), k.scheme, secret)
		if err != nil {
			return err
		}
		if len(g.op.Roles) > 0 && !slices.Contains(g.op.Roles, role) {
			return g.refusal(http.StatusForbidden)
		}
		if ctx != r.Context() {
			c.SetRequest(r.WithContext(ctx))
		}
		return nil
	}
	if g.op.optional {
		return nil
	}
	return g.unauthenticated(c)
}

func (g *guarded) unauthenticated(c echo.Context) error {
	if slices.ContainsFunc(g.op.security, func(k credential) bool { return k.bearer }) {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer")
	}
	return g.refusal(http.StatusUnauthorized)
}

// Authenticate finds who a secret belongs to. scheme is the name of the security scheme in the contract. It returns the
// context that the handler gets and the caller's role, or an error, which goes to the error handler untouched.
type Authenticate func(ctx context.Context, scheme, secret string) (context.Context, string, error)

// securityScheme refuses kinds of schemes that nobody here can check.
func (l *loading) securityScheme(pointer string, scheme *openapi3.SecurityScheme) {
	l.extensions(pointer, scheme.Extensions)
	switch {
	case scheme.Type == "http" && strings.EqualFold(scheme.Scheme, "bearer"):
	case scheme.Type == "apiKey":
		if scheme.In == InCookie && !cookieSafe(scheme.Name) || scheme.Name == "" {
			l.refusef(pointer+"/name", "%q cannot be the name of a %s", scheme.Name, scheme.In)
		}
	default:
		l.refusef(pointer, "security scheme %s is not supported: write http bearer or apiKey",
			strings.TrimSpace(scheme.Type+" "+scheme.Scheme))
	}
}

// requirements compiles the operation's security, or the document's where it has none of its own.
func (l *loading) requirements(pointer string, op *Operation) {
	alternatives := l.contract.Doc.Security
	if op.doc.Security != nil {
		alternatives = *op.doc.Security
		pointer += "/security"
	} else {
		pointer = "/security"
	}
	for i, alternative := range alternatives {
		where := pointer + "/" + strconv.Itoa(i)
		if len(alternative) > 1 {
			l.refusef(where, "several schemes at once are not supported: %s",
				strings.Join(slices.Sorted(maps.Keys(alternative)), " and "))
			continue
		}
		if len(alternative) == 0 {
			op.optional = true
		}
		for name, scopes := range alternative {
			if len(scopes) > 0 {
				l.refusef(where, "scopes of %s would be ignored: write x-roles", name)
			}
			if scheme := l.scheme(name); scheme != nil {
				op.security = append(op.security, credentialOf(name, scheme))
			}
		}
	}
}

// scheme is the named security scheme; nil if there is none, which kin-openapi refuses.
func (l *loading) scheme(name string) *openapi3.SecurityScheme {
	if l.contract.Doc.Components != nil {
		if ref := l.contract.Doc.Components.SecuritySchemes[name]; ref != nil {
			return ref.Value
		}
	}
	return nil
}

func credentialOf(name string, scheme *openapi3.SecurityScheme) credential {
	k := credential{scheme: name, in: scheme.In, name: scheme.Name}
	if scheme.Type == "http" {
		k.in, k.name, k.bearer = InHeader, echo.HeaderAuthorization, true
	}
	if k.in == InHeader {
		k.name = textproto.CanonicalMIMEHeaderKey(k.name)
	}
	return k
}

// cookieSafe tells whether text may stand in a Cookie header as it is, as a name or as a value.
func cookieSafe(text string) bool {
	return text == url.PathEscape(text) && !strings.ContainsAny(text, `=;," \`) && text != ""
}
