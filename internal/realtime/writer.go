package realtime

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
)

// start starts the writer if there is none and it may write; o.mu is held.
func (o *Outbound) start() {
	if o.writing || o.held {
		return
	}
	o.writing = true
	if o.lane != nil {
		o.lane.add(o)
		return
	}
	go o.write()
}

// try writes what is queued without waiting. Who has to wait, and who must be told of the end, gets a goroutine. It reports
// whether more was queued meanwhile; frames is memory to use.
func (o *Outbound) try(frames [][]byte) (again bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if frames = o.take(frames); len(frames) > 0 {
		o.mu.Unlock()
		all, err := o.cfg.Try(frames)
		clear(frames)
		o.mu.Lock()
		if err == nil && !all {
			go o.write()
			return false
		}
		o.written(err)
	}
	if len(o.queue) > 0 {
		return true
	}
	if o.rest() {
		go o.cfg.Ended(o.err)
	}
	return false
}

// write writes what is queued until nothing is, or nothing can be.
func (o *Outbound) write() {
	var frames [][]byte
	o.mu.Lock()
	for {
		if frames = o.take(frames[:0]); len(frames) == 0 {
			break
		}
		o.mu.Unlock()
		err := o.cfg.Write(frames)
		clear(frames)
		o.mu.Lock()
		if errors.Is(err, ErrNotReady) && o.state != outboundEnded {
			o.taken = 0
			if o.held = !o.resumed; o.held {
				break
			}
			continue
		}
		o.written(err)
	}
	ended, err := o.rest(), o.err
	o.mu.Unlock()
	if ended {
		o.cfg.Ended(err)
	}
}

// take lists the frames that are written next; o.mu is held.
func (o *Outbound) take(frames [][]byte) [][]byte {
	size := 0
	for i := range o.queue {
		size += len(o.queue[i].frame)
		if i > 0 && size > maxBatch {
			break
		}
		frames = append(frames, o.queue[i].frame)
	}
	o.taken, o.resumed = len(frames), false
	return frames
}

// written forgets the frames that were taken, and the others too if they were not written; o.mu is held.
func (o *Outbound) written(err error) {
	size := 0
	for i := range o.taken {
		q := &o.queue[i]
		size += q.cost()
		if q.latest && o.latest[q.place] == o.gone+i {
			delete(o.latest, q.place)
		}
	}
	rest := copy(o.queue, o.queue[o.taken:])
	clear(o.queue[rest:])
	o.queue, o.gone, o.taken = o.queue[:rest], o.gone+o.taken, 0
	o.release(size)
	if err != nil && o.state != outboundEnded {
		o.state, o.err = outboundEnded, err
		o.discard()
	}
}

// rest ends the writer, and reports whether nothing will be written any more; o.mu is held.
func (o *Outbound) rest() (ended bool) {
	if o.state == outboundEnding && !o.held {
		o.state = outboundEnded
	}
	if len(o.queue) == 0 && cap(o.queue) > keptQueue {
		o.queue, o.latest = nil, nil
	}
	o.writing = false
	return o.state == outboundEnded
}

// Flusher writes queues that need not wait to be written, several in a row. A broadcast to a thousand connections so takes
// a few goroutines instead of a thousand, and they live only while there is something to write.
type Flusher struct {
	next  atomic.Uint32
	lanes []lane
}

// lane is the queues that one goroutine writes.
type lane struct {
	mu      sync.Mutex
	waiting []*Outbound
	spare   []*Outbound // memory for the next list
	running bool
}

// NewFlusher returns a flusher that uses half of the processors at most: writing keeps the kernel's other half as busy.
func NewFlusher() *Flusher { return &Flusher{lanes: make([]lane, max(1, runtime.GOMAXPROCS(0)/2))} }

// lane chooses one for a queue.
func (f *Flusher) lane() *lane { return &f.lanes[int(f.next.Add(1))%len(f.lanes)] }

// add lists a queue and starts the goroutine if there is none.
func (l *lane) add(o *Outbound) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, o)
	if !l.running {
		l.running = true
		go l.run()
	}
}

// run writes queues until none is listed.
func (l *lane) run() {
	var frames [16][]byte
	for {
		l.mu.Lock()
		if len(l.waiting) == 0 {
			l.running = false
			l.mu.Unlock()
			return
		}
		list := l.waiting
		l.waiting = l.spare
		l.mu.Unlock()
		for _, o := range list {
			if o.try(frames[:0]) {
				l.add(o)
			}
		}
		clear(list)
		l.spare = list[:0]
	}
}
