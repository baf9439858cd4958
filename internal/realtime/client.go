package realtime

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Frame is one message on a client's link.
type Frame struct {
	Event string
	Args  [][]byte // each one JSON value
	ID    string   // of durable events
	Ack   uint64   // number of the request that asks for an answer, or that this answers; 0: none
}

// Link is one connection of a client. Send and Receive are called by one goroutine each, Close by any.
type Link interface {
	Send(ctx context.Context, f *Frame) error
	Receive(ctx context.Context) (*Frame, error)
	// Acks reports whether answers carry the number of their request. Where they do not they are known by their name.
	Acks() bool
	Close() error
}

// Dial opens a link. since is the id of the last durable event that the client has seen: the server replays what came after
// it. It is empty for the first link, and an id that no event has for later ones that follow none with an id: what came
// between them is missing, and the server says so.
type Dial func(ctx context.Context, since string) (Link, error)

// ClientConfig is what a Client needs. Dial and Event are required.
type ClientConfig struct {
	Dial  Dial
	Event func(ctx context.Context, in *Incoming) // events, one after the other; it must not wait for an answer
	Arity map[string]int                          // arguments of durable events: one more is the id, on links with acks
	Down  func(err error)                         // a link could not be opened or broke; may be nil
	Least time.Duration                           // pause before a new attempt, default 200 ms; it doubles until a link holds
	Most  time.Duration                           // longest pause, default 10 s
}

// Client keeps one link open and carries messages over it. Generated clients put types around it. It is safe for
// concurrent use while Run runs.
type Client struct {
	cfg ClientConfig

	mu      sync.Mutex
	up      chan struct{} // closed while there is a link
	link    Link
	waiting []*waiter
	acks    uint64
	since   string // id of the last durable event
	before  bool   // there was a link

	sending chan struct{} // holds one item while a frame is written
}

// waiter is one request without answer yet.
type waiter struct {
	ack    uint64
	names  []string
	answer chan *Incoming // nil when the link broke
}

// steady is how long a link must have held for the next attempt to come soon: a server that accepts connections and ends
// them is not to be stormed.
const steady = 5 * time.Second

// ErrLinkBroken is returned for a request whose link broke before the answer came: whether it was carried out is unknown.
var ErrLinkBroken = errors.New("realtime: the link broke before the answer came")

// Refused is the error of a request that the server refused.
type Refused struct {
	Event string // of the request
	Reply any    // the contract's message for errors
}

func (e *Refused) Error() string { return fmt.Sprintf("%s was refused: %+v", e.Event, e.Reply) }

// NewClient returns a client that connects once Run is called.
func NewClient(cfg ClientConfig) *Client {
	if cfg.Least <= 0 {
		cfg.Least = 200 * time.Millisecond
	}
	if cfg.Most <= 0 {
		cfg.Most = 10 * time.Second
	}
	if cfg.Down == nil {
		cfg.Down = func(error) {}
	}
	return &Client{cfg: cfg, up: make(chan struct{}), sending: make(chan struct{}, 1)}
}

// Run keeps the client connected until ctx ends, and returns its error.
func (c *Client) Run(ctx context.Context) error {
	pause := c.cfg.Least
	for ctx.Err() == nil {
		link, err := c.cfg.Dial(ctx, c.last())
		if err == nil {
			opened := time.Now()
			c.connected(link)
			err = c.receive(ctx, link)
			c.broken(link)
			if time.Since(opened) >= steady {
				pause = c.cfg.Least
			}
		}
		if ctx.Err() != nil {
			break
		}
		c.cfg.Down(err)
		timer := time.NewTimer(pause/2 + rand.N(pause/2+1))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		pause = min(2*pause, c.cfg.Most)
	}
	return ctx.Err()
}

// noID is no event's id: nothing can be replayed from there.
const noID = "0"

// last is what a link is asked to go on from.
func (c *Client) last() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.since == "" && c.before && len(c.cfg.Arity) > 0 {
		return noID
	}
	return c.since
}

func (c *Client) connected(link Link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.link, c.before = link, true
	close(c.up)
}

func (c *Client) broken(link Link) {
	_ = link.Close() // it is broken already
	c.mu.Lock()
	defer c.mu.Unlock()
	c.link, c.up = nil, make(chan struct{})
	for _, w := range c.waiting {
		close(w.answer)
	}
	c.waiting = nil
}

func (c *Client) receive(ctx context.Context, link Link) error {
	for {
		f, err := link.Receive(ctx)
		if err != nil {
			return err
		}
		in := &Incoming{Event: f.Event, Args: f.Args}
		if w := c.waiter(link, f); w != nil {
			w.answer <- in
			continue
		}
		if n, durable := c.cfg.Arity[f.Event]; durable && link.Acks() && len(f.Args) == n+1 {
			f.ID = strings.Trim(string(f.Args[n]), `"`)
			in.Args = f.Args[:n]
		}
		if f.ID != "" && !c.isNew(f.ID) {
			continue
		}
		c.cfg.Event(ctx, in)
	}
}

// waiter takes the request that a frame answers off the list; nil if the frame answers none.
func (c *Client) waiter(link Link, f *Frame) *waiter {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.waiting, func(w *waiter) bool {
		if link.Acks() {
			return f.Ack != 0 && w.ack == f.Ack
		}
		return slices.Contains(w.names, f.Event)
	})
	if i < 0 {
		return nil
	}
	w := c.waiting[i]
	c.waiting = slices.Delete(c.waiting, i, i+1)
	return w
}

// isNew notes a durable event's id, <epoch>:<n>, and reports whether it was not seen yet.
func (c *Client) isNew(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	epoch, n := splitID(id)
	lastEpoch, last := splitID(c.since)
	if epoch == lastEpoch && n <= last {
		return false
	}
	c.since = id
	return true
}

func splitID(id string) (epoch string, n uint64) {
	epoch, number, _ := strings.Cut(id, ":")
	n, _ = strconv.ParseUint(number, 10, 64) // one that is no number is older than all
	return epoch, n
}

// Emit sends a message, waiting for a link if there is none.
func (c *Client) Emit(ctx context.Context, event string, args ...[]byte) error {
	_, err := c.send(ctx, &Frame{Event: event, Args: args}, nil)
	return err
}

// Request sends a message and waits for its answer. names are the events that answer it on links without acks.
func (c *Client) Request(ctx context.Context, event string, names []string, args ...[]byte) (*Incoming, error) {
	w := &waiter{names: append([]string{event}, names...), answer: make(chan *Incoming, 1)}
	link, err := c.send(ctx, &Frame{Event: event, Args: args}, w)
	if err != nil {
		return nil, err
	}
	select {
	case answer := <-w.answer:
		if answer == nil {
			return nil, ErrLinkBroken
		}
		return answer, nil
	case <-ctx.Done():
		c.forget(link, w)
		return nil, ctx.Err()
	}
}

// forget gives a request up. Where answers have no number the next answer would be taken for another's: such a link is
// closed.
func (c *Client) forget(link Link, w *waiter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.waiting, w); i >= 0 {
		c.waiting = slices.Delete(c.waiting, i, i+1)
		if !link.Acks() {
			_ = link.Close() // Run opens another
		}
	}
}

// send writes a frame once there is a link; the waiter, if any, is listed before the answer can come.
func (c *Client) send(ctx context.Context, f *Frame, w *waiter) (Link, error) {
	for {
		c.mu.Lock()
		up := c.up
		c.mu.Unlock()
		select {
		case <-up:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		select {
		case c.sending <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		link := c.register(f, w)
		if link == nil { // it broke meanwhile
			<-c.sending
			continue
		}
		err := link.Send(ctx, f)
		<-c.sending
		return link, err
	}
}

// register lists a waiter under a new number and returns the link, nil if there is none.
func (c *Client) register(f *Frame, w *waiter) Link {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link != nil && w != nil {
		c.acks++
		f.Ack, w.ack = c.acks, c.acks
		c.waiting = append(c.waiting, w)
	}
	return c.link
}

// Arguments are the arguments of a payload: itself, or the items of a tuple whose contract names several.
func Arguments(payload []byte, several bool) [][]byte {
	if !several {
		return [][]byte{payload}
	}
	var args [][]byte
	depth, start, text := 0, 1, false
	for i := 0; i < len(payload); i++ {
		switch c := payload[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		}
		if !text && (depth == 1 && payload[i] == ',' || depth == 0 && payload[i] == ']') && i > start {
			args = append(args, payload[start:i])
			start = i + 1
		}
	}
	return args
}
