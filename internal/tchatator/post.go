package tchatator

import (
	"context"
	"sync"
	"time"

	"github.com/guichet-api/guichet/gen/tchatator/db"
)

// post stores messages by group commit: while one transaction is under way those that arrive wait, and the next transaction
// takes all of them, in one statement. A message that arrives alone waits for nobody. Two commits of one sender's messages
// never overlap, because a peer's commands are handled one after the other.
type post struct {
	queries *db.Queries
	now     func() time.Time

	mu      sync.Mutex
	waiting []*letter
	working bool
}

// letter is a message on its way, and then what became of it.
type letter struct {
	sender, receiver int64
	content          string

	id      int64 // 0 unless it was stored
	outcome string
	at      time.Time
	err     error
	done    chan struct{}
}

// What StoreMessages says of a message that it did not store.
const (
	outcomeBanned  = "banned"
	outcomeUnknown = "unknown"
	outcomeBlocked = "blocked"
)

// Bounds of one transaction. It is nobody's in particular: that a peer leaves does not end it.
const (
	maxLetters  = 1000
	postTimeout = 10 * time.Second
)

// store commits a message, or says why not.
func (p *post) store(l *letter) error {
	l.done = make(chan struct{})
	p.mu.Lock()
	p.waiting = append(p.waiting, l)
	if !p.working {
		p.working = true
		go p.work()
	}
	p.mu.Unlock()
	<-l.done
	return l.err
}

// work stores what waits until nothing does.
func (p *post) work() {
	for {
		p.mu.Lock()
		batch := p.waiting
		if len(batch) > maxLetters {
			batch = batch[:maxLetters:maxLetters]
		}
		if p.waiting = p.waiting[len(batch):]; len(p.waiting) == 0 {
			p.waiting = nil
		}
		p.working = len(batch) > 0
		p.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		p.commit(batch)
	}
}

// commit stores a batch in one statement, which is its own transaction.
func (p *post) commit(batch []*letter) {
	ctx, cancel := context.WithTimeout(context.Background(), postTimeout)
	defer cancel()
	params := db.StoreMessagesParams{
		At: p.now(), SenderIds: make([]int64, len(batch)), ReceiverIds: make([]int64, len(batch)), Contents: make([]string, len(batch)),
	}
	for i, l := range batch {
		params.SenderIds[i], params.ReceiverIds[i], params.Contents[i] = l.sender, l.receiver, l.content
	}
	rows, err := p.queries.StoreMessages(ctx, params)
	for i, l := range batch {
		l.at, l.err = params.At, err
		if err == nil {
			l.id, l.outcome = rows[i].ID, rows[i].Outcome
		}
		close(l.done)
	}
}
