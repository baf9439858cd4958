// Package dial opens the client's end of the WebSocket wires: envelope, command and Socket.IO (over WebSocket alone). What
// it returns is what generated connections take; reconnecting and replay are theirs.
package dial

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/guichet-api/guichet/internal/realtime"
)

// Options say where the server is and who asks.
type Options struct {
	URL     string                                // the system's own address or its mount: "https://example.org/tickets"
	Token   func(context.Context) (string, error) // called before each connection; nil: none
	Client  *http.Client                          // nil: the default one
	MaxSize int64                                 // of a frame in bytes; default 1 MiB
	// Patience is the time for a connection to be opened; and how long the server may be silent before it is pinged, and then
	// until it answers. Default 25 s. On Socket.IO the server says how long it may be silent.
	Patience time.Duration
}

// To returns the dialer for a server of a contract (Surface().Server). An error is a wire that is no WebSocket, or an
// address that is none.
func To(server realtime.Server, opt Options) (realtime.Dial, error) {
	base, err := url.Parse(opt.URL)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("dial: %q is no address", opt.URL)
	}
	if server.Wire&(realtime.WireSocketIO|realtime.WireEnvelope|realtime.WireCommand) == 0 {
		return nil, fmt.Errorf("dial: the wire %v is no WebSocket", server.Wire)
	}
	if opt.MaxSize <= 0 {
		opt.MaxSize = 1 << 20
	}
	if opt.Patience <= 0 {
		opt.Patience = 25 * time.Second
	}
	return func(ctx context.Context, since string) (realtime.Link, error) {
		ctx, cancel := context.WithTimeout(ctx, opt.Patience)
		defer cancel()
		token := ""
		if opt.Token != nil {
			var err error
			if token, err = opt.Token(ctx); err != nil {
				return nil, fmt.Errorf("dial: token: %w", err)
			}
		}
		query := url.Values{}
		if server.Wire == realtime.WireSocketIO {
			query = url.Values{"EIO": {"4"}, "transport": {"websocket"}}
		} else if since != "" {
			query.Set("since", since)
		}
		target := *base
		target.Path = strings.TrimSuffix(target.Path, "/") + server.Path
		target.RawQuery = query.Encode()
		header := http.Header{}
		if token != "" {
			header.Set("Authorization", "Bearer "+token)
		}
		conn, _, err := websocket.Dial(ctx, target.String(), &websocket.DialOptions{HTTPClient: opt.Client, HTTPHeader: header})
		if err != nil {
			return nil, fmt.Errorf("dial: %w", err)
		}
		conn.SetReadLimit(opt.MaxSize)
		if server.Wire == realtime.WireSocketIO {
			return openSocketIO(ctx, conn, token, since)
		}
		return newPlain(conn, server, opt.Patience), nil
	}, nil
}

// plain is a link of the envelope or the command codec. A server that is silent while it is listened to is pinged: TCP alone
// does not tell that it is gone.
type plain struct {
	conn     *websocket.Conn
	server   realtime.Server
	patience time.Duration
	watchdog *time.Timer   // of the next ping
	reading  atomic.Bool   // Receive waits
	turns    atomic.Uint64 // times that it began to wait
}

func newPlain(conn *websocket.Conn, server realtime.Server, patience time.Duration) *plain {
	p := &plain{conn: conn, server: server, patience: patience}
	p.watchdog = time.AfterFunc(patience, p.ping)
	return p
}

// ping ends a link whose server does not answer. Answers are read by Receive, so that none can come while it does not wait.
func (p *plain) ping() {
	turn := p.turns.Load()
	ctx, cancel := context.WithTimeout(context.Background(), p.patience)
	defer cancel()
	err := p.conn.Ping(ctx)
	switch {
	case !p.reading.Load(): // Receive starts the watchdog again
	case err != nil && p.turns.Load() == turn:
		_ = p.conn.CloseNow() // Receive notices
	default:
		p.watchdog.Reset(p.patience)
	}
}

func (*plain) Acks() bool { return false }

func (p *plain) Close() error {
	p.watchdog.Stop()
	return p.conn.CloseNow()
}

// Send writes a frame. The command codec's payload is an object, whose members stand beside the command's name.
func (p *plain) Send(ctx context.Context, f *realtime.Frame) error {
	name, err := json.Marshal(f.Event)
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	frame := fmt.Appendf(nil, "{%q:%s", p.server.EventMember, name)
	switch {
	case len(f.Args) == 0:
	case p.server.Wire == realtime.WireEnvelope:
		frame = fmt.Appendf(frame, ",%q:%s", p.server.PayloadMember, f.Args[0])
	default:
		if members := bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimPrefix(f.Args[0], []byte("{")), []byte("}"))); len(members) > 0 {
			frame = append(append(frame, ','), members...)
		}
	}
	return p.conn.Write(ctx, websocket.MessageText, append(frame, '}'))
}

// Receive reads a frame.
func (p *plain) Receive(ctx context.Context) (*realtime.Frame, error) {
	p.turns.Add(1)
	p.reading.Store(true)
	p.watchdog.Reset(p.patience)
	_, text, err := p.conn.Read(ctx)
	p.reading.Store(false)
	p.watchdog.Stop()
	if err != nil {
		return nil, err
	}
	members := map[string]json.RawMessage{}
	f := &realtime.Frame{}
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, fmt.Errorf("dial: frame: %w", err)
	}
	if err := json.Unmarshal(members[p.server.EventMember], &f.Event); err != nil {
		return nil, fmt.Errorf("dial: frame without %s: %w", p.server.EventMember, err)
	}
	if p.server.Wire == realtime.WireCommand {
		delete(members, p.server.EventMember)
		payload, err := json.Marshal(members)
		f.Args = [][]byte{payload}
		return f, err
	}
	if payload, ok := members[p.server.PayloadMember]; ok {
		f.Args = [][]byte{payload}
	}
	if id, ok := members[p.server.IDMember]; ok {
		err = json.Unmarshal(id, &f.ID)
	}
	return f, err
}
