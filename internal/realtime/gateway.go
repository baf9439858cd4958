package realtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
)

// Lifecycle is what a system does when peers come and go. Its live side implements it.
type Lifecycle interface {
	// Authenticate finds who a credential belongs to, before the connection is accepted. An error that wraps
	// ErrUnauthenticated is a 401 (CONNECT_ERROR on Socket.IO), any other a failure of the server. The credential is
	// empty only where the server entry has no x-anonymous: a system that lets nobody in without one refuses it.
	Authenticate(ctx context.Context, credential string) (role string, caller any, err error)
	// Connected runs before the peer's first message is handled: it joins rooms and greets. An error ends the connection,
	// and Disconnected is not called. The context ends with the connection.
	Connected(ctx context.Context, p *Peer) error
	// Disconnected runs once, after the peer's last message was handled. The peer is still in its rooms.
	Disconnected(ctx context.Context, p *Peer)
}

// History replays durable messages.
type History interface {
	// Replay gives to send, in order, what was published to the rooms after the id since, and returns the number that it
	// has read up to. An error of send is returned as it is. ErrTooOld: since is not of this epoch, is from the future,
	// cannot be read, or is older than the retention.
	Replay(ctx context.Context, since string, rooms []string, send func(*Message) error) (last uint64, err error)
}

// Gateway is one system's live side, which every wire serves. A wire calls, for each connection, Identify, then Open,
// Receive for each message, and Closed. All fields but History are required.
type Gateway struct {
	Surface    *Surface
	Dispatcher Dispatcher
	Hub        *Hub
	Lifecycle  Lifecycle
	History    History // nil: the contract has no durable events
	Log        *slog.Logger
}

// Identify says who a new peer is: without credential the anonymous role of the server entry if it has one, otherwise what
// the system says. The error is Lifecycle.Authenticate's.
func (g *Gateway) Identify(ctx context.Context, p *Peer, server *Server, credential string) (err error) {
	defer Recover(&err)
	if credential == "" && server.Anonymous != "" {
		p.Identify(server.Anonymous, nil)
		return nil
	}
	role, caller, err := g.Lifecycle.Authenticate(ctx, credential)
	if err != nil {
		return err
	}
	p.Identify(role, caller)
	return nil
}

// Open attaches a peer, lets the system greet it and replays what it missed since the id of the last durable event that
// it has seen; empty: live messages only. After an error the peer is detached, and Closed must not be called. The context
// ends with the connection.
func (g *Gateway) Open(ctx context.Context, p *Peer, o Outlet, since string) error {
	m, err := g.Hub.attach(p, o, since != "" && g.History != nil)
	if err != nil {
		return err
	}
	if err := g.connected(ctx, p); err != nil {
		g.Hub.Detach(p)
		return fmt.Errorf("realtime: connected: %w", err)
	}
	if m.replaying.Load() {
		if err := g.replay(ctx, m, since); err != nil {
			g.Closed(p)
			return fmt.Errorf("realtime: replay: %w", err)
		}
	}
	return nil
}

// Refused is why a wire ends a connection after an error of Identify or Open. What is neither the peer's doing nor the
// server's end is logged.
func (g *Gateway) Refused(p *Peer, err error) Reason {
	switch {
	case errors.Is(err, ErrDraining):
		return ReasonGoingAway
	case errors.Is(err, ErrUnauthenticated):
		return ReasonPolicy
	case errors.Is(err, ErrClosed), errors.Is(err, context.Canceled): // it ended meanwhile
		return ReasonNormal
	}
	g.Log.Error("connection not opened", "peer", p.ID(), "wire", p.Wire().String(), "error", err)
	return ReasonFailure
}

// Host is the IP address of a socket's address, which has a port.
func Host(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// connected calls the system; a panic must not end the process for all peers.
func (g *Gateway) connected(ctx context.Context, p *Peer) (err error) {
	defer Recover(&err)
	return g.Lifecycle.Connected(ctx, p)
}

// replay sends what a member missed and lets live durable messages through.
func (g *Gateway) replay(ctx context.Context, m *member, since string) error {
	epoch, _, _ := strings.Cut(since, ":")
	send := func(msg *Message) error {
		if m.outlet.Deliver(msg, "") {
			g.Hub.meter.Sent(msg.Event, 1)
		}
		return m.outlet.Wait(ctx)
	}
	for {
		last, err := g.History.Replay(ctx, since, g.Hub.Rooms(m.peer), send)
		if errors.Is(err, ErrTooOld) {
			g.resync(m)
			return nil
		}
		if err != nil {
			return err
		}
		if m.open(last) {
			return nil
		}
		since = epoch + ":" + strconv.FormatUint(last, 10)
	}
}

// resync tells a peer to load everything again, and lets live durable messages follow. What came live meanwhile was stored
// before, so that the peer finds it.
func (g *Gateway) resync(m *member) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, event := range g.Surface.Resyncs() {
		if m.outlet.Deliver(&Message{Event: event}, "") {
			g.Hub.meter.Sent(event, 1)
		}
	}
	m.replaying.Store(false)
}

// Receive handles one message of a peer; a peer's messages are given one after the other. The answer is given to answer
// once, also nil, before what the handler left for After runs. An error is a message that was not accepted for a reason
// that the contract has no words for; it was logged. The context must outlive the connection: a handler that has begun
// finishes.
func (g *Gateway) Receive(ctx context.Context, p *Peer, in *Incoming, answer func(*Message)) error {
	event := "unknown"
	if g.Surface.Commands[in.Event] != nil {
		event = in.Event
	}
	g.Hub.meter.Received(p.Wire(), event)
	err := g.handle(ctx, p, in, answer)
	if err == nil {
		return nil
	}
	level := slog.LevelWarn
	var unknown *UnknownEvent
	var panicked *Panic
	switch {
	case errors.As(err, &unknown):
		level = slog.LevelDebug
	case errors.As(err, &panicked):
		level = slog.LevelError
	}
	g.Log.Log(ctx, level, "message not handled", "event", event, "peer", p.ID(), "wire", p.Wire().String(), "error", err)
	return err
}

// handle is Handle for dispatchers whose refusals may panic.
func (g *Gateway) handle(ctx context.Context, p *Peer, in *Incoming, answer func(*Message)) (err error) {
	answered := false
	defer func() {
		if !answered {
			answer(nil)
		}
	}()
	defer Recover(&err)
	return Handle(ctx, g.Dispatcher, p, in, func(m *Message) {
		answered = true
		if m != nil && in.WantsReply {
			g.Hub.meter.Sent(m.Event, 1)
		}
		answer(m)
	})
}

// Closed ends a peer that was opened, after its last message was handled.
func (g *Gateway) Closed(p *Peer) {
	if err := g.disconnected(p); err != nil {
		g.Log.Error("disconnected", "peer", p.ID(), "wire", p.Wire().String(), "error", err)
	}
	g.Hub.Detach(p)
}

func (g *Gateway) disconnected(p *Peer) (err error) {
	defer Recover(&err)
	g.Lifecycle.Disconnected(context.Background(), p)
	return nil
}
