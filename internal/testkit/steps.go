package testkit

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// exchange is an HTTP request and the answer that is expected.
type exchange struct {
	mark
	times        int
	method, path string
	as           string // the captured token that goes into Authorization
	headers      []header
	body         string
	escaped      bool // the body has Go's escapes
	want         *answer
}

func (x *exchange) run(p *play) error {
	for n := range x.times {
		p.known["n"] = strconv.Itoa(n + 1)
		if err := x.once(p); err != nil {
			if x.times > 1 {
				return fmt.Errorf("time %d of %d: %w", n+1, x.times, err)
			}
			return err
		}
	}
	return nil
}

func (x *exchange) once(p *play) error {
	path, err := p.known.fill(x.path, plain)
	if err != nil {
		return err
	}
	body, err := x.bytes(p)
	if err != nil {
		return err
	}
	request := Request{Method: x.method, Path: path, Header: http.Header{}, Body: body}
	if len(body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	if err := p.setHeaders(request.Header, x.headers, x.as); err != nil {
		return err
	}
	ctx, cancel := p.wait()
	defer cancel()
	response, err := p.client.Do(ctx, request)
	if err != nil {
		return err
	}
	var failure strings.Builder
	for _, d := range x.want.check(p, response.Status, response.Header, response.Body) {
		fmt.Fprintln(&failure, d)
	}
	if response.Breach != nil {
		fmt.Fprintf(&failure, "  the contract is broken: %v\n", response.Breach)
	}
	if failure.Len() == 0 {
		return nil
	}
	return fmt.Errorf("%s  the answer was: %d %s\n%s", failure.String(), response.Status, response.Header.Get("Content-Type"), shown(response.Body))
}

// bytes is the body as it is sent.
func (x *exchange) bytes(p *play) ([]byte, error) {
	if !x.escaped {
		body, err := p.known.fill(x.body, inJSON)
		return []byte(body), err
	}
	body, err := p.known.fill(x.body, inEscaped)
	if err != nil {
		return nil, err
	}
	pieces, err := unescape(body)
	return []byte(strings.Join(pieces, "")), err
}

// setHeaders fills and sets the headers of a step; one without a value is taken away.
func (p *play) setHeaders(set http.Header, headers []header, as string) error {
	if as != "" {
		token, ok := p.known[as]
		if !ok {
			return fmt.Errorf("nobody is logged in as %q: the step that does so failed", as)
		}
		set.Set("Authorization", "Bearer "+token)
	}
	for _, h := range headers {
		value, err := p.known.fill(h.value, plain)
		if err != nil {
			return err
		}
		set.Del(h.name)
		if value != "" {
			set.Add(h.name, value)
		}
	}
	return nil
}

// shown is a body for people: JSON indented, long ones cut.
func shown(body []byte) string {
	value := jsontext.Value(bytes.Clone(body))
	if value.IsValid() && value.Indent(jsontext.WithIndent("  ")) == nil {
		body = value
	}
	if len(body) > 4000 {
		body = append(body[:4000:4000], "…"...)
	}
	return string(body)
}

// loginStep logs in over the system's own route and captures the token.
type loginStep struct {
	mark
	account, password, as string
}

func (s *loginStep) run(p *play) error {
	login := p.target.Login
	who := Credentials{s.account, s.password}
	if s.password == "" {
		var ok bool
		if who, ok = login.Accounts[s.account]; !ok {
			return fmt.Errorf("the target has no account %q", s.account)
		}
	}
	ctx, cancel := p.wait()
	defer cancel()
	token, err := p.client.Login(ctx, login, who)
	if err != nil {
		return err
	}
	p.known[s.as] = token
	return nil
}

// clockStep moves the clock.
type clockStep struct {
	mark
	move time.Duration
	to   time.Time
}

func (s *clockStep) run(p *play) error {
	switch {
	case p.target.Clock == nil:
		return errors.New("the target has no clock")
	case s.to.IsZero():
		p.target.Clock.Advance(s.move)
	default:
		p.target.Clock.Set(s.to)
	}
	return nil
}

// mailStep awaits the next mail to an address.
type mailStep struct {
	mark
	address string
	want    *headed
}

func (s *mailStep) run(p *play) error {
	if p.target.Mail == nil {
		return errors.New("the target has no mailbox")
	}
	address, err := p.known.fill(s.address, plain)
	if err != nil {
		return err
	}
	ctx, cancel := p.wait()
	defer cancel()
	letter, err := p.target.Mail.Next(ctx, address)
	if err != nil {
		return err
	}
	var failure strings.Builder
	for _, h := range s.want.headers {
		for _, d := range h.check(p, letter.Header) {
			fmt.Fprintln(&failure, d)
		}
	}
	for _, d := range p.matchText(s.want.text, letter.Text) {
		fmt.Fprintln(&failure, d)
	}
	if failure.Len() == 0 {
		return nil
	}
	return fmt.Errorf("%s  the mail was: %v\n%s", failure.String(), letter.Header, letter.Text)
}

// noMailStep checks that nothing was mailed to an address.
type noMailStep struct {
	mark
	address string
}

func (s *noMailStep) run(p *play) error {
	if p.target.Mail == nil || p.target.Settle == nil {
		return errors.New("the target has no mailbox, or cannot tell when it has settled")
	}
	address, err := p.known.fill(s.address, plain)
	if err != nil {
		return err
	}
	ctx, cancel := p.wait()
	defer cancel()
	if err := p.target.Settle(ctx); err != nil {
		return err
	}
	if letter := p.target.Mail.Unread(address); letter != nil {
		return fmt.Errorf("  a mail has come: %v\n%s", letter.Header, letter.Text)
	}
	return nil
}

// doStep makes something happen to the system.
type doStep struct {
	mark
	words []string
}

func (s *doStep) run(p *play) error {
	act := p.target.Do[s.words[0]]
	if act == nil {
		return fmt.Errorf("the target cannot do %q", s.words[0])
	}
	var args []string
	for _, word := range s.words[1:] {
		arg, err := p.known.fill(word, plain)
		if err != nil {
			return err
		}
		args = append(args, arg)
	}
	ctx, cancel := p.wait()
	defer cancel()
	return act(ctx, args...)
}
