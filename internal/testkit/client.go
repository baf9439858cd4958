package testkit

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Request is one HTTP request as it goes out. Path and its query are sent byte by byte as they are, mistakes included.
type Request struct {
	Method string
	Path   string // below the client's base
	Header http.Header
	Body   []byte // nil: none

	Chunked bool // the body's length is not announced
}

// Response is the answer, read whole.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	Breach error // how the exchange broke the contract
}

// Client sends requests to one server and holds every exchange to the contract. It follows no redirects and keeps no cookies.
type Client struct {
	spec *Spec
	base string
	http *http.Client
}

// NewClient makes a client for the server at base (without a slash at its end). Spec may be nil: nothing is checked then.
func NewClient(t testing.TB, spec *Spec, base string) *Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	return &Client{spec: spec, base: base, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Do sends a request and reads its answer. An error means that there was none; Response.Breach tells how the exchange broke
// the contract.
func (c *Client) Do(ctx context.Context, request Request) (*Response, error) {
	var body io.Reader
	switch {
	case request.Chunked:
		body = io.MultiReader(bytes.NewReader(request.Body)) // a reader whose length nobody can see
	case request.Body != nil:
		body = bytes.NewReader(request.Body)
	}
	r, err := http.NewRequestWithContext(ctx, request.Method, c.base, body)
	if err != nil {
		return nil, err
	}
	path, query, hasQuery := strings.Cut(request.Path, "?")
	target := &url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host, Opaque: r.URL.Path + path, RawQuery: query, ForceQuery: hasQuery}
	if strings.HasPrefix(target.Opaque, "//") { // net/url would take this for a host
		target.Path, target.Opaque = target.Opaque, ""
	}
	r.URL = target
	if request.Header != nil {
		r.Header = request.Header.Clone()
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	response := &Response{Status: answer.StatusCode, Header: answer.Header}
	if response.Body, err = io.ReadAll(answer.Body); err != nil {
		return nil, fmt.Errorf("reading the answer's body: %w", err)
	}
	if c.spec != nil {
		response.Breach = c.spec.Check(ctx, request, response)
	}
	return response, nil
}

// Login logs in over the system's own route and answers the token.
func (c *Client) Login(ctx context.Context, login Login, who Credentials) (string, error) {
	identity := login.Identity
	if identity == "" {
		identity = "email"
	}
	response, err := c.Do(ctx, Request{
		Method: http.MethodPost,
		Path:   login.Path,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   fmt.Appendf(nil, `{%s: %s, "password": %s}`, quote(identity), quote(who.Identity), quote(who.Password)),
	})
	if err != nil {
		return "", err
	}
	if response.Breach != nil {
		return "", fmt.Errorf("login as %s: %w", who.Identity, response.Breach)
	}
	if body, err := parseJSON(string(response.Body), 1); err == nil {
		if token := body.member("token"); token != nil && token.kind == '"' {
			return token.text, nil
		}
	}
	return "", fmt.Errorf("login as %s: %d without a token: %s", who.Identity, response.Status, response.Body)
}
