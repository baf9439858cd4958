package tcp_test

import (
	"bytes"
	"context"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/realtime/tcp"
)

// TestFlood: garbage, endless lines, peers that do not read and writers of a byte now and then, from 500 connections at once,
// that come back. Others are answered, and memory stays bounded.
func TestFlood(t *testing.T) {
	t.Parallel()
	const attackers = 500
	p := newEcho(t, tcp.Config{Incomplete: 2 * time.Second, MaxCommand: 4 << 10, MaxGarbage: 16 << 10})
	before := heap()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var sent atomic.Int64
	for i := range attackers {
		go func() {
			again := time.NewTicker(5 * time.Second)
			defer again.Stop()
			for ctx.Err() == nil {
				attack(ctx, p.addr, i, &sent)
				select {
				case <-again.C:
				case <-ctx.Done():
				}
			}
		}()
	}
	for range attackers / 2 {
		<-p.joined
	}
	c := p.dial()
	var slowest time.Duration
	most := uint64(0)
	for range 20 {
		began := time.Now()
		c.send("SAY\ntext:still here\n")
		c.want("200/OK", "SAY {'text':'still here'}")
		slowest = max(slowest, time.Since(began))
		most = max(most, heap())
	}
	grown := int64(most) - int64(before)
	t.Logf("%d attackers sent %d KiB; the slowest of 20 answers took %v; the heap grew by %d KiB, %d bytes for each",
		attackers, sent.Load()>>10, slowest.Round(time.Millisecond), grown>>10, grown/attackers)
	if grown > attackers*128<<10 {
		t.Errorf("the heap grew by %d KiB", grown>>10)
	}
}

// attack is one hostile connection, until it is closed.
func attack(ctx context.Context, addr string, kind int, sent *atomic.Int64) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	if err := conn.(*net.TCPConn).SetWriteBuffer(16 << 10); err != nil { // the attack is on the server, not on the kernel
		return
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	var text []byte
	switch kind % 8 {
	case 0, 1:
		text = bytes.Repeat([]byte("garbage\x00\xff\n"), 500)
	case 2, 3:
		text = bytes.Repeat([]byte("x"), 5000)
	case 4: // asks, and does not read
		text = bytes.Repeat([]byte("DEL_IT\n"), 2000)
		n, _ := conn.Write(text)
		sent.Add(int64(n))
		<-ctx.Done()
		return
	default: // a byte now and then
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			if _, err := conn.Write([]byte("S")); err != nil {
				return
			}
			sent.Add(1)
		}
	}
	for {
		n, err := conn.Write(text)
		sent.Add(int64(n))
		if err != nil {
			return
		}
	}
}

// heap is what lives, in bytes.
func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
