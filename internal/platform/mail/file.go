package mail

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	netmail "net/mail"
	"os"
	"path/filepath"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/guichet-api/guichet/internal/platform/clock"
)

// FileConfig says where mails are written.
type FileConfig struct {
	Dir    string // created when missing, for its owner alone: mails hold tokens
	From   netmail.Address
	Clock  clock.Clock
	Random io.Reader // crypto/rand.Reader
}

// File writes each mail into a file of its own, NAME.eml, that appears whole. Names sort in the order of sending:
// 20251108T143000.000000Z-1a2b3c4d.eml. Texts are written as they are (8bit), so that a link in them can be copied.
type File struct {
	dir    string
	writer writer
	clock  clock.Clock
	random io.Reader

	mu   sync.Mutex
	last time.Time // in the name of the latest file
}

// NewFile makes a File mailer and its directory.
func NewFile(cfg FileConfig) (*File, error) {
	if cfg.From.Address == "" || cfg.Clock == nil || cfg.Random == nil {
		return nil, errors.New("mail.NewFile: From, Clock and Random are required")
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("mail.NewFile: %w", err)
	}
	return &File{
		dir:    cfg.Dir,
		writer: writer{from: cfg.From, now: cfg.Clock.Now, random: cfg.Random},
		clock:  cfg.Clock,
		random: cfg.Random,
	}, nil
}

// Send writes the mail. When it returns nil, the file is on disk for good.
func (f *File) Send(ctx context.Context, m Message) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("mail.File: %w", err)
	}
	msg, err := f.writer.compose(m, gomail.NoEncoding)
	if err != nil {
		return err
	}
	name, err := f.name()
	if err != nil {
		return fmt.Errorf("mail.File: %w", err)
	}
	if err := f.write(name, msg); err != nil {
		return fmt.Errorf("mail.File: %w", err)
	}
	return nil
}

// name is the time, never the same or earlier than the one before, and a random part for the sake of other processes.
func (f *File) name() (string, error) {
	random := make([]byte, 4)
	if _, err := io.ReadFull(f.random, random); err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clock.Now().UTC().Truncate(time.Microsecond)
	if !now.After(f.last) {
		now = f.last.Add(time.Microsecond)
	}
	f.last = now
	return now.Format("20060102T150405.000000Z") + "-" + hex.EncodeToString(random) + ".eml", nil
}

func (f *File) write(name string, msg *gomail.Msg) error {
	draft, err := os.CreateTemp(f.dir, ".draft-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = msg.WriteTo(draft)
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	return os.Rename(draft.Name(), filepath.Join(f.dir, name))
}
