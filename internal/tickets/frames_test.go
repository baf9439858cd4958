package tickets

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/guichet-api/guichet/gen/tickets/events"
	"github.com/guichet-api/guichet/internal/testkit"
)

// TestBrokenFrames: whatever a peer sends, it gets what the wire promises, nothing changes, and others are served.
func TestBrokenFrames(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{demo: true})
	token := d.token(demoEmail)
	witness := d.listen(token, "")
	before := testkit.HashTables(t, d.db)

	const text, binaryKind = websocket.MessageText, websocket.MessageBinary
	many := func(frame string, n int) []string {
		frames := make([]string, n)
		for i := range frames {
			frames[i] = frame
		}
		return frames
	}
	for name, test := range map[string]struct {
		kind   websocket.MessageType
		frames []string
		code   websocket.StatusCode // 0: the connection goes on
	}{
		"not JSON":                 {text, []string{"ping", "", "{", `{"type":"ping"}}`, `{"type":"ping"} {"type":"ping"}`, "\x00", "\"\x7f"}, 0},
		"not an object":            {text, []string{`"ping"`, `["ping"]`, "null", "1", "true"}, 0},
		"no type, or none that is": {text, []string{`{}`, `{"type":null}`, `{"type":1}`, `{"type":{}}`, `{"type":""}`, `{"Type":"ping"}`}, 0},
		"a type twice":             {text, []string{`{"type":"ping","type":"ping"}`}, 0},
		"data twice":               {text, []string{`{"type":"ping","data":1,"data":2}`}, 0},
		"an unknown type":          {text, []string{`{"type":"subscribe"}`, `{"type":"PING"}`, `{"type":"__proto__"}`, `{"type":"ping\u0000"}`}, 0},
		"an event of the server":   {text, []string{`{"type":"ticket_created","data":{}}`, `{"type":"resync"}`, `{"type":"pong"}`}, 0},
		"deeply nested":            {text, []string{`{"type":"nested","data":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`}, 0},
		"as large as allowed":      {text, []string{`{"type":"` + strings.Repeat("x", 1<<20-11) + `"}`}, 0},
		"too large":                {text, []string{`{"type":"` + strings.Repeat("x", 1<<20-10) + `"}`}, websocket.StatusMessageTooBig},
		"binary":                   {binaryKind, []string{`{"type":"ping"}`}, websocket.StatusUnsupportedData},
		"not UTF-8":                {text, []string{"{\"type\":\"ping\xff\"}"}, websocket.StatusInvalidFramePayloadData},
		"garbage without end":      {text, many("garbage", 200), websocket.StatusPolicyViolation},
		"unknown types for ever":   {text, many(`{"type":"subscribe"}`, 200), websocket.StatusPolicyViolation},
	} {
		t.Run(name, func(t *testing.T) {
			e := d.listen(token, "")
			for _, frame := range test.frames {
				err := e.conn.Write(t.Context(), test.kind, []byte(frame))
				if err != nil && test.code == 0 {
					t.Fatalf("%.80q: %v", frame, err)
				}
			}
			if test.code == 0 {
				e.ping()
			} else if code := e.ends(); code != test.code {
				t.Errorf("ended with %d, want %d", code, test.code)
			}
		})
	}
	witness.ping() // and heard nothing of it
	d.must(d.settle(t.Context()))
	if after := testkit.HashTables(t, d.db); after != before {
		t.Errorf("the tables were\n%sand are\n%s", before, after)
	}
}

// raw is a connection of bytes.
type raw struct {
	net.Conn
	t      *testing.T
	reader *bufio.Reader
}

func (d *desk) raw(t *testing.T) *raw {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(d.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &raw{conn, t, bufio.NewReader(conn)}
}

// send writes bytes, one to a packet if asked for.
func (r *raw) send(text []byte, byteByByte bool) {
	r.t.Helper()
	size := len(text)
	if byteByByte {
		size = 1 // Go sets TCP_NODELAY: each write is a packet
	}
	for piece := range slices.Chunk(text, size) {
		if _, err := r.Write(piece); err != nil {
			r.t.Fatal(err)
		}
	}
}

// upgrade is the request of a handshake.
func upgrade(token string) []byte {
	return fmt.Appendf(nil, "GET /ws/tickets-client HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer %s\r\n\r\n", token)
}

// clientFrame is a masked frame of a client (RFC 6455, 5.2); opcode has the FIN bit.
func clientFrame(opcode byte, text string) []byte {
	f := []byte{opcode, 0x80 | byte(len(text)), 1, 2, 3, 4}
	for i := range len(text) {
		f = append(f, text[i]^f[2+i%4])
	}
	return f
}

// open awaits the answer to a handshake.
func (r *raw) open() {
	r.t.Helper()
	response, err := http.ReadResponse(r.reader, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		r.t.Fatalf("the handshake: %+v, %v", response, err)
	}
}

// next is the payload of the server's next frame: a short one.
func (r *raw) next() (opcode byte, payload []byte) {
	r.t.Helper()
	head := make([]byte, 2)
	if _, err := io.ReadFull(r.reader, head); err != nil {
		r.t.Fatal(err)
	}
	payload = make([]byte, head[1])
	if _, err := io.ReadFull(r.reader, payload); err != nil {
		r.t.Fatal(err)
	}
	return head[0], payload
}

// TestBytes: frames may come in any pieces, and what is no frame ends the connection.
func TestBytes(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{demo: true})
	token := d.token(demoEmail)
	witness := d.listen(token, "")
	const ping, pong = `{"type":"ping"}`, `{"type":"pong"}`
	const textFrame, firstOfText, lastOfAny, closeFrame = 0x81, 0x01, 0x80, 0x88

	t.Run("one byte to a packet", func(t *testing.T) {
		r := d.raw(t)
		r.send(upgrade(token), true)
		r.open()
		r.send(clientFrame(textFrame, ping), true)
		if _, payload := r.next(); string(payload) != pong {
			t.Errorf("%q", payload)
		}
	})
	t.Run("all at once", func(t *testing.T) {
		r := d.raw(t)
		r.send(bytes.Join([][]byte{upgrade(token), clientFrame(textFrame, ping), clientFrame(textFrame, "?"), clientFrame(textFrame, ping)}, nil), false)
		r.open()
		for range 2 {
			if _, payload := r.next(); string(payload) != pong {
				t.Errorf("%q", payload)
			}
		}
	})
	t.Run("in fragments", func(t *testing.T) {
		r := d.raw(t)
		r.send(upgrade(token), false)
		r.open()
		r.send(clientFrame(firstOfText, ping[:5]), false)
		r.send(clientFrame(0x89, "still here"), false) // a ping of the protocol may come between
		r.send(clientFrame(lastOfAny, ping[5:]), false)
		if opcode, payload := r.next(); opcode != 0x8a || string(payload) != "still here" {
			t.Errorf("%x %q", opcode, payload)
		}
		if _, payload := r.next(); string(payload) != pong {
			t.Errorf("%q", payload)
		}
	})
	for name, frame := range map[string][]byte{
		"without a mask":    {textFrame, 2, '{', '}'},
		"a reserved bit":    {0xf1, 0x80, 0, 0, 0, 0},
		"a reserved opcode": {0x83, 0x80, 0, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := d.raw(t)
			r.send(upgrade(token), false)
			r.open()
			r.send(frame, false)
			if opcode, payload := r.next(); opcode != closeFrame || len(payload) < 2 ||
				binary.BigEndian.Uint16(payload) != uint16(websocket.StatusProtocolError) {
				t.Errorf("%x %q", opcode, payload)
			}
		})
	}
	witness.ping()
}

// TestHalfOpen: who begins and never goes on, or vanishes in the middle of a frame, keeps nobody from being served, and is
// forgotten.
func TestHalfOpen(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{demo: true})
	token := d.token(demoEmail)
	witness := d.listen(token, "")
	var all []*raw
	for i := range 30 {
		r := d.raw(t)
		all = append(all, r)
		request := upgrade(token)
		if i%3 == 0 {
			r.send(request[:len(request)/2], false)
			continue
		}
		r.send(request, false)
		r.open()
		if i%3 == 1 {
			r.send(clientFrame(0x81, `{"type":"ping"}`)[:7], false)
		}
	}
	witness.ping()
	connected := func(want int) {
		t.Helper()
		d.await(fmt.Sprintf("%d are connected", want), func() bool { return len(d.hub.Peers(events.DeskRoom())) == want })
	}
	connected(21)
	for _, r := range all {
		d.must(r.Conn.(*net.TCPConn).SetLinger(0)) // vanish without a word
		d.must(r.Close())
	}
	connected(1)
	witness.ping()
}
