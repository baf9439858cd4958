package testkit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	netmail "net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/mail"
)

// Letter is a mail as its receiver reads it.
type Letter struct {
	Header http.Header // decoded
	Text   string      // the plain text, lines separated by \n
}

// Mailbox is the mailer of a test: mails go through the real one that writes files, and are read back from them.
type Mailbox struct {
	dir  string
	file *mail.File

	mu   sync.Mutex
	read map[string]bool // names of files that Next has answered
	sent chan struct{}   // closed, and replaced, when a mail was written
}

// NewMailbox makes an empty mailbox in a directory of the test's own.
func NewMailbox(t testing.TB, now clock.Clock, random io.Reader) *Mailbox {
	t.Helper()
	dir := t.TempDir()
	file, err := mail.NewFile(mail.FileConfig{
		Dir: dir, From: netmail.Address{Name: "Guichet", Address: "noreply@example.com"}, Clock: now, Random: random,
	})
	if err != nil {
		t.Fatalf("testkit.NewMailbox: %v", err)
	}
	return &Mailbox{dir: dir, file: file, read: map[string]bool{}, sent: make(chan struct{})}
}

// Send writes the mail and wakes who waits for it.
func (m *Mailbox) Send(ctx context.Context, message mail.Message) error {
	if err := m.file.Send(ctx, message); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.sent)
	m.sent = make(chan struct{})
	return nil
}

// Next awaits a mail to the address, and takes it: the oldest that has not been taken.
func (m *Mailbox) Next(ctx context.Context, address string) (*Letter, error) {
	for {
		m.mu.Lock()
		sent := m.sent
		letter, name, err := m.unread(address)
		if letter != nil {
			m.read[name] = true
		}
		m.mu.Unlock()
		if letter != nil || err != nil {
			return letter, err
		}
		select {
		case <-sent:
		case <-ctx.Done():
			return nil, fmt.Errorf("no mail to %s has come: %w", address, ctx.Err())
		}
	}
}

// Unread is a mail to the address that Next has not taken, or nil.
func (m *Mailbox) Unread(address string) *Letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	letter, _, err := m.unread(address)
	if err != nil {
		return &Letter{Text: err.Error()}
	}
	return letter
}

func (m *Mailbox) unread(address string) (*Letter, string, error) {
	files, err := filepath.Glob(filepath.Join(m.dir, "*.eml"))
	if err != nil {
		return nil, "", err
	}
	slices.Sort(files)
	for _, name := range files {
		if m.read[name] {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, "", err
		}
		letter, to, err := readLetter(data)
		if err != nil {
			return nil, "", fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
		if strings.EqualFold(to, address) {
			return letter, name, nil
		}
	}
	return nil, "", nil
}

// readLetter parses RFC 5322 and finds the plain text.
func readLetter(data []byte) (*Letter, string, error) {
	message, err := netmail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return nil, "", err
	}
	to, err := netmail.ParseAddress(message.Header.Get("To"))
	if err != nil {
		return nil, "", err
	}
	letter := &Letter{Header: http.Header{}}
	for name, values := range message.Header {
		for _, value := range values {
			decoded, err := new(mime.WordDecoder).DecodeHeader(value)
			if err != nil {
				return nil, "", err
			}
			letter.Header.Add(name, decoded)
		}
	}
	text, err := plainText(message.Header.Get("Content-Type"), message.Header.Get("Content-Transfer-Encoding"), message.Body)
	letter.Text = strings.ReplaceAll(text, "\r\n", "\n")
	return letter, to.Address, err
}

// plainText is the text/plain part.
func plainText(contentType, encoding string, body io.Reader) (string, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return "", err
	}
	switch {
	case strings.HasPrefix(kind, "multipart/"):
		parts := multipart.NewReader(body, params["boundary"])
		for {
			part, err := parts.NextRawPart()
			if err != nil {
				return "", errors.Join(errors.New("no plain text"), err)
			}
			if strings.HasPrefix(part.Header.Get("Content-Type"), "text/plain") {
				return plainText(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part)
			}
		}
	case strings.EqualFold(encoding, "quoted-printable"):
		body = quotedprintable.NewReader(body)
	case strings.EqualFold(encoding, "base64"):
		return "", errors.New("base64 is not a text that people copy links from")
	}
	text, err := io.ReadAll(body)
	return string(text), err
}
