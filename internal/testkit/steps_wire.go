package testkit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// onWire is what the steps of a connection share.
type onWire struct {
	mark
	name, transport string
}

// find is the connection, if it stands.
func (o onWire) find(p *play) (wire, error) {
	w, ok := p.wires[o.name]
	if !ok {
		return nil, fmt.Errorf("%s is not connected", o.name)
	}
	return w, nil
}

// connectStep opens a connection.
type connectStep struct {
	onWire
	path, as string
	headers  []header
	auth     string  // socketio's auth payload
	mayFail  bool    // the next step expects connect_error
	want     *answer // what the upgrade is answered with; nil: whatever opens it
}

func (s *connectStep) run(p *play) error {
	if old, ok := p.wires[s.name]; ok {
		old.close()
		delete(p.wires, s.name)
	}
	ctx, cancel := p.wait()
	defer cancel()
	w, header, err := s.dial(ctx, p)
	if w != nil {
		p.wires[s.name] = w
	}
	var no *refused
	switch {
	case errors.As(err, &no) && s.want != nil:
		return failed(s.want.check(p, no.status, no.header, no.body), string(no.body))
	case err != nil:
		return err
	case s.want != nil:
		return failed(s.want.check(p, http.StatusSwitchingProtocols, header, nil), "the connection was opened")
	}
	return nil
}

// failed makes one error of the differences.
func failed(diffs []difference, got string) error {
	if len(diffs) == 0 {
		return nil
	}
	var b strings.Builder
	for _, d := range diffs {
		fmt.Fprintln(&b, d)
	}
	return fmt.Errorf("%s  what came was:\n%s", b.String(), got)
}

// dial opens the connection. It answers the headers of a WebSocket's 101.
func (s *connectStep) dial(ctx context.Context, p *play) (wire, http.Header, error) {
	if s.transport == "tcp" {
		address := p.target.TCP
		if address == "" {
			base, err := url.Parse(p.target.URL)
			if err != nil {
				return nil, nil, err
			}
			address = base.Host
		}
		w, err := dialTCP(ctx, address)
		if err != nil {
			return nil, nil, err
		}
		return w, nil, nil
	}
	headers := http.Header{}
	if err := p.setHeaders(headers, s.headers, s.as); err != nil {
		return nil, nil, err
	}
	path, err := p.known.fill(s.path, plain)
	if err != nil {
		return nil, nil, err
	}
	address := "ws" + strings.TrimPrefix(p.target.URL, "http") + path
	if s.transport == "ws" {
		w, err := dialWS(ctx, address, headers)
		if err != nil {
			return nil, nil, err
		}
		return w, w.header, nil
	}
	auth, err := p.known.fill(s.auth, inJSON)
	if err != nil {
		return nil, nil, err
	}
	w, err := dialSocketIO(ctx, address, auth, headers)
	var no *connectError
	if errors.As(err, &no) && s.mayFail {
		err = nil
	}
	if w == nil {
		return nil, nil, err
	}
	return w, w.ws.header, err
}

// sendStep sends bytes, a frame or an event.
type sendStep struct {
	onWire
	text       string
	event      string
	byteByByte bool
	ack        *wanted // expected arguments of the ack; nil: no ack is asked for
	ackLine    int
}

func (s *sendStep) run(p *play) error {
	found, err := s.find(p)
	if err != nil {
		return err
	}
	ctx, cancel := p.wait()
	defer cancel()
	switch w := found.(type) {
	case *tcpWire:
		return s.bytes(p, w)
	case *wsWire:
		text, err := p.known.fill(s.text, inJSON)
		if err != nil {
			return err
		}
		if err := p.checkMessage("ws", "send", text); err != nil {
			return err
		}
		return w.send(ctx, text)
	case *socketioWire:
		return s.emit(ctx, p, w)
	}
	return fmt.Errorf("%s cannot send", s.transport)
}

func (s *sendStep) bytes(p *play, w *tcpWire) error {
	text, err := p.known.fill(s.text, inEscaped)
	if err != nil {
		return err
	}
	pieces, err := unescape(text)
	if err != nil {
		return err
	}
	if s.byteByByte {
		all := strings.Join(pieces, "")
		pieces = nil
		for i := range len(all) {
			pieces = append(pieces, all[i:i+1])
		}
	}
	return w.send(pieces)
}

func (s *sendStep) emit(ctx context.Context, p *play, w *socketioWire) error {
	text, err := p.known.fill(s.text, inJSON)
	if err != nil {
		return err
	}
	values, err := parseValues(text, s.at+1)
	if err != nil {
		return err
	}
	arguments := strings.TrimSuffix(strings.TrimPrefix((&node{kind: '[', values: values}).raw(), "["), "]")
	event := &node{kind: '[', values: append([]*node{{kind: '"', text: s.event}}, values...)}
	if err := p.checkMessage("socketio", "send", event.raw()); err != nil {
		return err
	}
	waiting, err := w.emit(ctx, s.event, arguments, s.ack != nil)
	if err != nil || s.ack == nil {
		return err
	}
	select {
	case got := <-waiting:
		return s.compareAck(p, got)
	case <-ctx.Done():
		return fmt.Errorf("  line %-4d no ack has come", s.ackLine)
	}
}

func (s *sendStep) compareAck(p *play, got string) error {
	want, err := s.ack.resolve(p.expectation)
	if err != nil {
		return err
	}
	arguments, err := parseJSON(got, 1)
	if err != nil {
		return fmt.Errorf("the ack %s: %w", got, err)
	}
	return failed(p.compare(&node{kind: '[', values: want, line: s.ackLine}, arguments), got)
}

// closeStep ends a connection from this side.
type closeStep struct{ onWire }

func (s *closeStep) run(p *play) error {
	w, err := s.find(p)
	if err != nil {
		return err
	}
	w.close()
	delete(p.wires, s.name)
	return nil
}

// How expected messages may come.
type order int

const (
	inOrder    order = iota // the next ones, as written
	inAnyOrder              // the next ones, in any order
	eventually              // as written, with others before and between
)

// expectStep awaits messages, bytes, silence or the end of a connection.
type expectStep struct {
	onWire
	mode    order
	event   string        // socketio: what follows are the arguments of this event
	want    *wanted       // messages
	frame   *textPattern  // one frame that is no JSON
	bytes   *textPattern  // tcp
	nothing time.Duration // silence for this long
	closed  bool          // the other side closes
	code    int           // with this code; 0: any
}

func (s *expectStep) run(p *play) error {
	found, err := s.find(p)
	if err != nil {
		return err
	}
	ctx, cancel := p.wait()
	defer cancel()
	if s.nothing > 0 {
		ctx, cancel = context.WithTimeout(p.t.Context(), s.nothing)
		defer cancel()
	}
	if w, ok := found.(*tcpWire); ok {
		return s.stream(ctx, p, w)
	}
	inbox := found.(messenger).received()
	switch {
	case s.nothing > 0:
		frame, err := inbox.next(ctx)
		if errors.Is(err, errNothing) {
			return nil
		}
		return errors.Join(fmt.Errorf("  something has come: %s", frame), err)
	case s.closed:
		return s.end(ctx, inbox)
	case s.frame != nil:
		return s.textFrame(ctx, p, inbox)
	}
	return s.messages(ctx, p, inbox)
}

// stream awaits bytes.
func (s *expectStep) stream(ctx context.Context, p *play, w *tcpWire) error {
	switch {
	case s.nothing > 0:
		came := ""
		_, err := w.take(ctx, func(stream string) int { came = stream; return len(stream) - 1 })
		if errors.Is(err, errNothing) {
			return nil
		}
		return errors.Join(fmt.Errorf("  something has come: %q", came), err)
	case s.closed:
		if left, err := w.end(ctx); err != nil {
			return fmt.Errorf("  the connection was not closed: %w; bytes that nobody expected: %q", err, left)
		}
		return nil
	}
	compiled, err := s.bytes.compile(p.known, p.now())
	if err != nil {
		return err
	}
	left, err := w.take(ctx, func(stream string) int { return compiled.prefix(stream, p.known) })
	if err != nil {
		return fmt.Errorf("%w\n%w", failed(compiled.match(left, p.known), strconv.Quote(left)), err)
	}
	return nil
}

// end awaits the other side's close.
func (s *expectStep) end(ctx context.Context, inbox *inbox) error {
	frame, err := inbox.next(ctx)
	var ended *endedError
	switch {
	case err == nil:
		return fmt.Errorf("  a message came instead: %s", frame)
	case !errors.As(err, &ended):
		return fmt.Errorf("  the connection was not closed: %w", err)
	case s.code != 0 && ended.code != s.code:
		return fmt.Errorf("  want the close code %d, got %d (%w)", s.code, ended.code, ended)
	}
	return nil
}

func (s *expectStep) textFrame(ctx context.Context, p *play, inbox *inbox) error {
	for {
		frame, err := inbox.next(ctx)
		if err != nil {
			return err
		}
		diffs := p.matchText(s.frame, string(frame))
		if len(diffs) == 0 || s.mode == inOrder {
			return failed(diffs, string(frame))
		}
	}
}
