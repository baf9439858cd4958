package realtime

import (
	"context"
	"sync"
)

// OutboundConfig is what an Outbound needs. Write is required.
type OutboundConfig struct {
	Limit int // bytes that may wait, 80 for each frame beside its own; default 1 MiB
	// Write writes frames to the connection, in one system call where it can, and may wait. One goroutine at a time calls
	// it, with 64 KiB at most unless one frame is longer. After an error nothing more is written, except for ErrNotReady,
	// which means that nothing was and that the frames must wait for Resume. The outer slice is used again after the return.
	Write func(frames [][]byte) error
	// Try writes what it can of frames without waiting, and reports whether that was all. If not, Write is called with
	// them again, perhaps with more behind them, and goes on where Try has stopped. nil: only Write is used.
	Try func(frames [][]byte) (all bool, err error)
	// Flusher calls Try; required with it.
	Flusher *Flusher
	// Full is called once, when a frame of QueueClose found no room: the peer is too slow. It must not wait.
	Full func()
	// Ended is called once, when nothing more will be written: after End's last frame (nil), with the error of Write, or
	// with ErrClosed after Close. It may wait.
	Ended func(err error)
	Meter Meter // nil: nothing is counted
}

const (
	maxBatch  = 64 << 10 // bytes that are given to Write at once
	keptQueue = 4        // longest queue whose memory an idle connection keeps
	frameCost = 80       // bytes that a frame takes beside its own: its place in the queue, and the allocator's share
)

// Outbound is the queue of encoded frames of one connection, bounded by bytes. A Flusher writes it as long as that need not
// wait; otherwise it is written by a goroutine of its own, which lives while there is something to write. Several peers may
// share one (namespaces of Socket.IO).
type Outbound struct {
	cfg  OutboundConfig
	lane *lane // of the flusher; nil: there is none

	mu      sync.Mutex
	queue   []queued
	taken   int           // frames of the queue that are being written
	bytes   int           // of the queue, with the cost of each frame
	gone    int           // frames that have left the queue
	latest  map[place]int // the newest frame of QueueLatest: its place in the queue, and gone when it was put there
	writing bool
	held    bool // ErrNotReady: nothing is written until Resume
	resumed bool // Resume was called since the last Write began
	state   outboundState
	err     error         // why it ended
	full    bool          // Full was called
	room    chan struct{} // closed when there is room again; nil: nobody waits
}

// queued is one frame that waits.
type queued struct {
	frame []byte
	place
	latest bool
}

func (q *queued) cost() int { return len(q.frame) + frameCost }

// place is what a frame of QueueLatest is the latest of.
type place struct{ event, room string }

type outboundState uint8

const (
	outboundOpen   outboundState = iota
	outboundEnding               // the last frame is queued
	outboundEnded                // nothing is written any more
)

// NewOutbound returns an empty queue.
func NewOutbound(cfg OutboundConfig) *Outbound {
	if cfg.Limit <= 0 {
		cfg.Limit = 1 << 20
	}
	if cfg.Full == nil {
		cfg.Full = func() {}
	}
	if cfg.Ended == nil {
		cfg.Ended = func(error) {}
	}
	if cfg.Meter == nil {
		cfg.Meter = noMeter{}
	}
	o := &Outbound{cfg: cfg}
	if cfg.Try != nil {
		o.lane = cfg.Flusher.lane()
	}
	return o
}

// Put queues a frame and reports whether it will be written. It never waits. What happens without room is the policy's
// matter: QueueClose calls Full, QueueDrop loses the frame. QueueLatest replaces a frame of the same event and room that
// still waits if there is one, and is lost without room for what it has more than that. A frame is never modified, so it can
// be shared. Frames whose event has no name are not counted when they are lost.
func (o *Outbound) Put(frame []byte, policy Queue, event, room string) bool {
	o.mu.Lock()
	if o.state != outboundOpen {
		o.mu.Unlock()
		return false
	}
	q := queued{frame, place{event, room}, policy == QueueLatest}
	if old := o.older(&q); old != nil {
		more := len(frame) - len(old.frame)
		fits := o.fits(more)
		if fits {
			old.frame = frame
			o.grow(more)
		}
		o.mu.Unlock()
		o.dropped(event)
		return fits
	}
	if !o.fits(q.cost()) {
		first := policy == QueueClose && !o.full
		o.full = o.full || first
		o.mu.Unlock()
		o.dropped(event)
		if first {
			o.cfg.Full()
		}
		return false
	}
	o.push(q)
	o.mu.Unlock()
	return true
}

// fits reports whether there is room for so many bytes: a queue of which at most half is used takes any frame, so that one that
// was waited for (Wait) finds room. o.mu is held.
func (o *Outbound) fits(bytes int) bool {
	return bytes <= 0 || 2*o.bytes <= o.cfg.Limit || o.bytes+bytes <= o.cfg.Limit
}

// grow counts bytes; o.mu is held.
func (o *Outbound) grow(bytes int) {
	o.bytes += bytes
	o.cfg.Meter.Queued(bytes)
}

func (o *Outbound) dropped(event string) {
	if event != "" {
		o.cfg.Meter.Dropped(event)
	}
}

// older finds the frame that a new one is to replace, nil if none waits; o.mu is held.
func (o *Outbound) older(q *queued) *queued {
	if !q.latest {
		return nil
	}
	if at, ok := o.latest[q.place]; ok && at-o.gone >= o.taken {
		return &o.queue[at-o.gone]
	}
	return nil
}

// push queues a frame and starts the writer if there is none; o.mu is held.
func (o *Outbound) push(q queued) {
	if q.latest {
		if o.latest == nil {
			o.latest = map[place]int{}
		}
		o.latest[q.place] = o.gone + len(o.queue)
	}
	o.queue = append(o.queue, q)
	o.grow(q.cost())
	o.start()
}

// Resume lets a writer that was not ready write again.
func (o *Outbound) Resume() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.resumed, o.held = true, false
	if len(o.queue) > 0 {
		o.start()
	}
}

// Idle reports whether nothing is queued or being written.
func (o *Outbound) Idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.queue) == 0
}

// release gives room back; o.mu is held.
func (o *Outbound) release(size int) {
	o.grow(-size)
	if o.room != nil && (2*o.bytes <= o.cfg.Limit || o.state != outboundOpen) {
		close(o.room)
		o.room = nil
	}
}

// discard forgets what waits and is not being written, for good: nothing more is put. o.mu is held.
func (o *Outbound) discard() {
	size := 0
	for i := o.taken; i < len(o.queue); i++ {
		size += o.queue[i].cost()
	}
	clear(o.queue[o.taken:])
	o.queue, o.latest = o.queue[:o.taken], nil
	o.release(size)
}

// Wait returns once at most half of the limit is queued. The error is ErrClosed or the context's.
func (o *Outbound) Wait(ctx context.Context) error {
	for {
		o.mu.Lock()
		if o.state != outboundOpen {
			o.mu.Unlock()
			return ErrClosed
		}
		if 2*o.bytes <= o.cfg.Limit {
			o.mu.Unlock()
			return nil
		}
		if o.room == nil {
			o.room = make(chan struct{})
		}
		room := o.room
		o.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// End lets nothing more be queued but a last frame. What waits is written before it, or discarded.
func (o *Outbound) End(last []byte, discard bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.state != outboundOpen {
		return
	}
	o.state = outboundEnding
	if discard {
		o.discard()
	}
	o.push(queued{frame: last})
	o.release(0)
}

// Close discards what waits. A Write that is under way is not interrupted.
func (o *Outbound) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.state == outboundEnded {
		return
	}
	o.state, o.err, o.held = outboundEnded, ErrClosed, false
	o.discard()
	o.start()
}
