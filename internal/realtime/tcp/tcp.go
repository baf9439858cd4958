// Package tcp is the text wire: commands and answers in the key-value form (internal/realtime/codec) over a TCP connection,
// and the listener that serves it on the same port as HTTP.
//
// # What peers may rely on
//
// Commands may be pipelined and may arrive split at any byte; they are handled one after the other and answered in this
// order. Each answer is written at once; answers to commands that arrived together may be written together. The form has
// no end mark: a command that could go on ends after 50 ms of silence, and one that is not complete after 10 s is refused;
// the end of the peer's half of the connection does both at once.
//
// What cannot be read is refused by the dispatcher as an unknown command, and reading goes on at the next command's name. A
// line over the limit ends the connection, and so does garbage that goes on for too long.
//
// A peer that does not read its answers is cut off, and so is one that says nothing for longer than the idle limit; who has
// not identified itself gets less time. TCP keep-alive finds peers that are gone without a word. When the server ends a
// connection it writes the answer that is being made, ends its own half, and waits a moment for the peer's.
package tcp

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"time"

	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/codec"
)

// Config is what a Handler needs. Gateway and Server are required.
type Config struct {
	Gateway *realtime.Gateway
	Server  realtime.Server // with WireKeyValue

	MaxCommand int // bytes of a command, and so of a line; default 16 KiB
	MaxGarbage int // bytes in a row that are no command; default 64 KiB
	MaxQueue   int // bytes of events that may wait for a peer, default 1 MiB. See x-queue

	Silence    time.Duration // that ends a command; default 50 ms
	Incomplete time.Duration // for a command to be complete; default 10 s
	Stranger   time.Duration // between two commands of a peer that has not identified itself; default 2 min
	Idle       time.Duration // between two commands of any other; default 30 min
	Write      time.Duration // for a peer to take an answer, give or take a quarter; default 10 s
	Grace      time.Duration // for the last answer to be taken, and then for the peer to end its half; default 1 s each
	KeepAlive  time.Duration // of silence before the kernel asks whether the peer is there; three times unanswered is gone. Default 10 s
}

// Handler serves the text connections of one contract. It is safe for concurrent use.
type Handler struct {
	cfg   Config
	codec *codec.KeyValue
}

// New returns a handler. The error is a contract that has no text form.
func New(cfg Config) (*Handler, error) {
	if cfg.Server.Wire != realtime.WireKeyValue {
		return nil, fmt.Errorf("tcp: the server %s has the wire %v", cfg.Server.Name, cfg.Server.Wire)
	}
	k, err := codec.NewKeyValue(cfg.Gateway.Surface)
	if err != nil {
		return nil, err
	}
	orDefault(&cfg.MaxCommand, 16<<10)
	orDefault(&cfg.MaxGarbage, 64<<10)
	orDefault(&cfg.Silence, 50*time.Millisecond)
	orDefault(&cfg.Incomplete, 10*time.Second)
	orDefault(&cfg.Stranger, 2*time.Minute)
	orDefault(&cfg.Idle, 30*time.Minute)
	orDefault(&cfg.Write, 10*time.Second)
	orDefault(&cfg.Grace, time.Second)
	orDefault(&cfg.KeepAlive, 10*time.Second)
	return &Handler{cfg: cfg, codec: k}, nil
}

func orDefault[T int | time.Duration](value *T, otherwise T) {
	if *value <= 0 {
		*value = otherwise
	}
}

// ServeConn serves a connection until it ends, and closes it.
func (h *Handler) ServeConn(ctx context.Context, socket net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h.prepare(socket)
	peer := realtime.NewPeer(rand.Text(), realtime.WireKeyValue, realtime.Host(socket.RemoteAddr().String()))
	c := newConn(h, socket, peer)
	defer c.end()
	err := h.cfg.Gateway.Identify(ctx, peer, &h.cfg.Server, "")
	if err == nil {
		err = h.cfg.Gateway.Open(ctx, peer, c, "")
	}
	if err != nil {
		c.Close(h.cfg.Gateway.Refused(peer, err))
		return
	}
	defer h.cfg.Gateway.Closed(peer)
	c.serve(ctx)
	c.settle()
}

// kernelBuffer is how many bytes the kernel keeps of a peer, and for it, give or take. What they would grow to for a peer that
// floods the server, or asks and reads no answers, is of no use to any other.
const kernelBuffer = 64 << 10

// prepare lets the kernel find a peer that is gone, and bounds what it keeps. It fails on a connection that is closed already,
// which the first read tells.
func (h *Handler) prepare(socket net.Conn) {
	for {
		switch s := socket.(type) {
		case *net.TCPConn:
			_ = s.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: h.cfg.KeepAlive, Interval: h.cfg.KeepAlive, Count: 3})
			_ = s.SetReadBuffer(kernelBuffer)
			_ = s.SetWriteBuffer(kernelBuffer)
			return
		case interface{ NetConn() net.Conn }:
			socket = s.NetConn()
		default:
			return
		}
	}
}
