package testkit

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/platform/clock"
)

// Suite says which vectors to replay, and against what.
type Suite struct {
	Files fs.FS  // holds Dir
	Dir   string // of the *.txtar files, as failures name it: "spec/tiptop/vectors"
	Spec  *Spec  // every HTTP exchange is held to this contract; nil for a system that has none

	// Mounts are the places that the system is served at: "" is its own address, "/tiptop" the portal's. Every vector runs
	// at each of them, on a system of its own.
	Mounts []string

	// Start starts a system for one run of one vector, with a database, a clock and randomness of its own. What it starts
	// it stops in t.Cleanup.
	Start func(t *testing.T, mount string) *Target

	// CheckMessage, when set, holds every message that connections send and receive to a contract: transport is ws or
	// socketio, direction send or receive, the message a whole frame (of socketio: ["event", argument…]).
	CheckMessage func(transport, direction string, message []byte) error
}

// Target is a running system as a vector sees it. Only URL is always needed.
type Target struct {
	URL   string      // with the mount, without a slash at its end: "http://127.0.0.1:40123/tiptop"
	TCP   string      // host:port of "connect tcp"; empty: that of URL
	Clock *clock.Fake // moved by "clock"
	Mail  *Mailbox    // read by "mail"
	Login Login       // used by "login"

	// Do is what "do WORD argument…" calls, by its WORD: things that happen to the system, not over its wires.
	Do map[string]func(ctx context.Context, args ...string) error

	// Settle returns when nothing that the system does in the background is left to do; "no mail" waits for it.
	Settle func(ctx context.Context) error
}

// Login is how the system's own login route is used.
type Login struct {
	Path     string                 // POST; answers an object with a member "token"
	Identity string                 // the member of the request that names the account; empty: "email"
	Accounts map[string]Credentials // by the word that "login" uses: client, employee, admin…
}

// Credentials are what one logs in with.
type Credentials struct{ Identity, Password string }

// RunVectors replays every vector of the suite at every mount: one parallel subtest for each, with one subtest per chapter.
// It returns what it has read when all of them have ended, for Coverage.
func RunVectors(t *testing.T, suite Suite) []*Vector {
	t.Helper()
	vectors, err := ReadVectors(suite.Files, suite.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(suite.Mounts) == 0 {
		t.Fatal("testkit.RunVectors: no mounts")
	}
	t.Run("vectors", func(t *testing.T) {
		for _, mount := range suite.Mounts {
			place := "own"
			if mount != "" {
				place = "mounted" + mount
			}
			for _, vector := range vectors {
				t.Run(path.Join(place, strings.TrimSuffix(path.Base(vector.Name), ".txtar")), func(t *testing.T) {
					t.Parallel()
					newPlay(t, suite, vector, suite.Start(t, mount)).run()
				})
			}
		}
	})
	return vectors
}

// patience is how long a step waits for what it expects, and bounds every request.
const patience = 15 * time.Second

// play is one run of one vector.
type play struct {
	t      *testing.T
	suite  Suite
	vector *Vector
	target *Target
	client *Client
	known  names
	wires  map[string]wire
}

func newPlay(t *testing.T, suite Suite, vector *Vector, target *Target) *play {
	p := &play{t: t, suite: suite, vector: vector, target: target, wires: map[string]wire{}}
	p.known = names{"base": target.URL, "n": "1"}
	p.client = NewClient(t, suite.Spec, target.URL)
	t.Cleanup(func() {
		for _, wire := range p.wires {
			wire.close()
		}
	})
	return p
}

// run plays the chapters in their order. A chapter stops at its first failure; the next one is tried all the same.
func (p *play) run() {
	for _, chapter := range p.vector.chapters {
		if chapter.title == "" {
			if err := p.chapter(chapter); err != nil {
				p.t.Error(err)
				return // what all chapters build on is missing
			}
			continue
		}
		p.t.Run(chapter.title, func(t *testing.T) {
			if err := p.chapter(chapter); err != nil {
				t.Error(err)
			}
		})
	}
}

// chapter runs the steps up to the first that fails.
func (p *play) chapter(chapter chapter) error {
	for _, step := range chapter.steps {
		if err := step.run(p); err != nil {
			return fmt.Errorf("%s:%d: -- %s --\n%w", p.vector.Name, step.place(), step, err)
		}
	}
	return nil
}

// wait is a context for one step.
func (p *play) wait() (context.Context, context.CancelFunc) {
	return context.WithTimeout(p.t.Context(), patience)
}

// now is the clock as texts show it.
func (p *play) now() string {
	if p.target.Clock == nil {
		return ""
	}
	return p.target.Clock.Now().Format("2006-01-02T15:04:05.000Z")
}

// expectation fills expected JSON.
func (p *play) expectation(text string) (string, error) { return p.known.fill(text, inExpectation) }

// compare compares a value and keeps what it captures.
func (p *play) compare(want, got *node) []difference {
	c := &comparison{known: p.known, now: p.now()}
	c.value("", want, got)
	return c.diffs
}

// matchText compares a text and keeps what it captures.
func (p *play) matchText(pattern *textPattern, text string) []difference {
	compiled, err := pattern.compile(p.known, p.now())
	if err != nil {
		return []difference{{pattern.line, "text", "", err.Error()}}
	}
	return compiled.match(text, p.known)
}
