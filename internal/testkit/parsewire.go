package testkit

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	connectMark = regexp.MustCompile(`^(ws|tcp|socketio)(?: (/\S*))?(?: as ([a-z][A-Za-z0-9]*))?$`)
	eventName   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)
)

// wire parses a step of a named connection: "host: send join-reunion-host".
func (p *parser) wire(s section) (step, error) {
	m := wireMark.FindStringSubmatch(s.title)
	on := onWire{mark: s.mark, name: m[1]}
	verb, rest := m[2], m[3]
	if verb == "connect" {
		return p.connect(s, on, rest)
	}
	transport := p.wires[on.name]
	if transport == "" {
		return nil, fmt.Errorf("%s was not connected before this line", on.name)
	}
	on.transport = transport
	switch verb {
	case "send":
		return parseSend(s, on, rest)
	case "ack":
		return nil, p.ack(s, on)
	case "expect":
		if last, ok := p.last().(*connectStep); ok && last.name == on.name && rest == "connect_error" {
			last.mayFail = true
		}
		return parseExpect(s, on, rest)
	case "close":
		if rest != "" {
			return nil, errors.New("close takes nothing more; to await the other side's close: expect close [CODE]")
		}
		return &closeStep{onWire: on}, empty(s)
	}
	return nil, fmt.Errorf("a connection can connect, send, ack, expect or close, not %s", verb)
}

func (p *parser) connect(s section, on onWire, rest string) (step, error) {
	m := connectMark.FindStringSubmatch(rest)
	if m == nil {
		return nil, errors.New("a connection starts with connect ws PATH, connect socketio [PATH] or connect tcp")
	}
	on.transport = m[1]
	c := &connectStep{onWire: on, path: m[2], as: m[3]}
	if c.as != "" && !p.known[c.as] {
		return nil, fmt.Errorf("nobody logged in as %q before this line, and no such token was captured", c.as)
	}
	switch {
	case on.transport == "tcp" && (c.path != "" || c.as != ""):
		return nil, errors.New("connect tcp takes neither a path nor a token")
	case on.transport == "ws" && c.path == "":
		return nil, errors.New("connect ws needs a path")
	case on.transport == "socketio" && c.path == "":
		c.path = "/socket.io/"
	}
	headers, body, line, err := splitHead(s)
	if err != nil {
		return nil, err
	}
	c.headers, c.auth = headers, strings.TrimSpace(body)
	if c.auth != "" {
		if on.transport != "socketio" {
			return nil, &lineError{line, errors.New("only socketio sends something (its auth payload) while it connects")}
		}
		if err := checkJSON(c.auth, line); err != nil {
			return nil, err
		}
	}
	if on.transport == "tcp" && len(headers) > 0 {
		return nil, &lineError{s.from, errors.New("connect tcp takes no headers")}
	}
	p.wires[on.name] = on.transport
	return c, nil
}

// checkJSON looks at JSON values that will be sent.
func checkJSON(text string, line int) error {
	filled, err := blank(text)
	if err != nil {
		return err
	}
	_, err = parseValues(filled, line)
	return err
}

func parseSend(s section, on onWire, rest string) (step, error) {
	send := &sendStep{onWire: on, text: s.data}
	switch on.transport {
	case "socketio":
		if !eventName.MatchString(rest) {
			return nil, errors.New("socketio sends events: send EVENT")
		}
		send.event = rest
		if err := checkJSON(s.data, s.from); err != nil {
			return nil, err
		}
	case "tcp":
		send.byteByByte = rest == "byte by byte"
		if rest != "" && !send.byteByByte {
			return nil, errors.New("tcp sends bytes: send, or send byte by byte")
		}
		if _, err := unescape(s.data); err != nil {
			return nil, &lineError{s.from, err}
		}
	default:
		if rest != "" {
			return nil, errors.New("ws sends one text frame: send, without more")
		}
		send.text = strings.TrimSuffix(s.data, "\n")
	}
	return send, nil
}

// ack completes the socketio send that came right before on the same connection.
func (p *parser) ack(s section, on onWire) error {
	want, err := parseWanted(s.data, s.from)
	if err != nil {
		return err
	}
	last, ok := p.last().(*sendStep)
	if ok && last.name == on.name && last.event != "" && last.ack == nil {
		last.ack, last.ackLine = want, s.at
		return nil
	}
	return errors.New("an ack must follow the event that asks for it, sent on the same socketio connection")
}

func parseExpect(s section, on onWire, rest string) (step, error) {
	e := &expectStep{onWire: on}
	options := words(rest)
	switch {
	case len(options) > 0 && options[0] == "close":
		return parseExpectClose(s, e, options[1:])
	case len(options) == 3 && options[0] == "nothing" && options[1] == "within":
		d, err := time.ParseDuration(options[2])
		if err != nil || d <= 0 {
			return nil, fmt.Errorf("%q is no duration such as 200ms", options[2])
		}
		e.nothing = d
		return e, empty(s)
	case rest == "in any order":
		e.mode = inAnyOrder
	case len(options) > 0 && options[0] == "eventually":
		e.mode, options = eventually, options[1:]
	}
	if e.mode != inAnyOrder {
		if len(options) > 1 || len(options) == 1 && (on.transport != "socketio" || !eventName.MatchString(options[0])) {
			return nil, errors.New("expect takes: an EVENT (socketio), in any order, eventually [EVENT], nothing within DURATION, close [CODE]")
		}
		if len(options) == 1 {
			e.event = options[0]
		}
	}
	if on.transport == "tcp" {
		if e.mode != inOrder {
			return nil, errors.New("bytes come in one order: tcp takes expect alone")
		}
		pattern, err := compileText(s.data, s.from, true)
		e.bytes = pattern
		return e, err
	}
	return e, e.frames(s)
}

func parseExpectClose(s section, e *expectStep, options []string) (step, error) {
	e.closed = true
	if len(options) == 1 && e.transport == "ws" {
		code, err := strconv.Atoi(options[0])
		if err != nil || code < 1000 || code > 4999 {
			return nil, fmt.Errorf("%q is no close code", options[0])
		}
		e.code = code
	} else if len(options) > 0 {
		return nil, errors.New("expect close takes a code on ws only")
	}
	return e, empty(s)
}

// frames reads what is expected on a connection of messages.
func (e *expectStep) frames(s section) error {
	text := strings.TrimSpace(s.data)
	if text == "" && e.event == "" {
		return &lineError{s.at, errors.New("expect what?")}
	}
	if e.transport == "ws" && !looksLikeJSON(text) {
		pattern, err := compileText(strings.TrimSuffix(s.data, "\n"), s.from, false)
		e.frame = pattern
		if e.mode == inAnyOrder {
			err = errors.Join(err, errors.New("in any order takes JSON values"))
		}
		return err
	}
	want, err := parseWanted(s.data, s.from)
	if err != nil {
		return err
	}
	e.want = want
	nodes, err := e.nodes(blank)
	if err != nil {
		return err
	}
	if e.transport != "socketio" {
		return nil
	}
	for _, n := range nodes {
		if n.kind != '[' || len(n.values) == 0 || n.values[0].kind != '"' {
			return &lineError{n.line, errors.New(`without an EVENT in the title, socketio events are written ["event", argument…]`)}
		}
	}
	return nil
}
