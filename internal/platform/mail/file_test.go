package mail_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/mail"
)

var sent = time.Date(2025, 11, 8, 14, 30, 0, 0, time.UTC)

// letter is what a mail program would show.
type letter struct {
	from, to, subject, text, html, id, auto string
	date                                    time.Time
}

// parse reads a mail as its receiver would; it knows nothing of how mails are written here.
func parse(t *testing.T, raw string) letter {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	l := letter{
		from: m.Header.Get("From"), to: m.Header.Get("To"), subject: subject,
		id: m.Header.Get("Message-Id"), auto: m.Header.Get("Auto-Submitted"),
	}
	if l.date, err = m.Header.Date(); err != nil {
		t.Fatal(err)
	}
	l.date = l.date.UTC()
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if kind == "text/plain" {
		l.text = body(t, m.Header.Get("Content-Transfer-Encoding"), params["charset"], m.Body)
		return l
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return l
		}
		if err != nil {
			t.Fatal(err)
		}
		kind, params, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		text := body(t, part.Header.Get("Content-Transfer-Encoding"), params["charset"], part)
		switch kind {
		case "text/plain":
			l.text = text
		case "text/html":
			l.html = text
		default:
			t.Errorf("a part is %s", kind)
		}
	}
}

func body(t *testing.T, encoding, charset string, r io.Reader) string {
	t.Helper()
	if charset != "UTF-8" {
		t.Errorf("charset %q", charset)
	}
	switch encoding {
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	case "8bit":
	default:
		t.Errorf("encoding %q", encoding)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

func file(t *testing.T, dir string, c clock.Clock) *mail.File {
	t.Helper()
	m, err := mail.NewFile(mail.FileConfig{
		Dir: dir, From: netmail.Address{Name: "Thé Tip Top", Address: "noreply@example.com"}, Clock: c, Random: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// mails reads the files of a directory, by name.
func mails(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	mails := map[string]string{}
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		mails[entry.Name()] = string(text)
		if info, err := entry.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: mode %v, %v", entry.Name(), info.Mode(), err)
		}
	}
	return mails
}

func TestFileWritesMails(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state", "mail")
	m := file(t, dir, clock.NewFake(sent))
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory: %v, %v", info, err)
	}
	withHTML := message
	withHTML.HTML = "<p>Zoé</p>\n" + strings.Repeat("é", 600) + "\n"
	for _, msg := range []mail.Message{message, withHTML} {
		if err := m.Send(t.Context(), msg); err != nil {
			t.Fatal(err)
		}
	}
	got := mails(t, dir)
	names := slices.Sorted(maps.Keys(got))
	if len(names) != 2 || !regexp.MustCompile(`^20251108T143000\.000000Z-[0-9a-f]{8}\.eml$`).MatchString(names[0]) ||
		!strings.HasPrefix(names[1], "20251108T143000.000001Z-") {
		t.Fatalf("files %v", names)
	}
	want := letter{
		from: "=?utf-8?q?Th=C3=A9_Tip_Top?= <noreply@example.com>", to: "<user@example.com>", subject: message.Subject,
		text: message.Text, date: sent, id: "<verify-1@example.com>", auto: "auto-generated",
	}
	if read := parse(t, got[names[0]]); read != want {
		t.Errorf("read %+v, want %+v", read, want)
	}
	want.html = withHTML.HTML
	if read := parse(t, got[names[1]]); read != want {
		t.Errorf("with HTML: read %+v, want %+v", read, want)
	}
	if !strings.Contains(got[names[0]], "https://example.com/verify?token="+strings.Repeat("a", 64)+"\r\n") {
		t.Errorf("the link cannot be copied from the file:\n%s", got[names[0]])
	}
	for name, text := range got {
		for line := range strings.SplitSeq(text, "\r\n") {
			if len(line) > 998 || strings.ContainsAny(line, "\r\n") {
				t.Errorf("%s: RFC 5322 does not allow the line %.100q", name, line)
			}
		}
	}
}

// Names sort in the order of sending, whatever the clock does, and no two mails share one.
func TestFileNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := clock.NewFake(sent)
	m := file(t, dir, c)
	for i, step := range []time.Duration{0, 0, -time.Hour, 2 * time.Hour} {
		c.Advance(step)
		msg := message
		msg.ID = string(rune('a' + i))
		if err := m.Send(t.Context(), msg); err != nil {
			t.Fatal(err)
		}
	}
	got := mails(t, dir)
	var order strings.Builder
	for _, name := range slices.Sorted(maps.Keys(got)) {
		order.WriteString(parse(t, got[name]).id[1:2])
	}
	if order.String() != "abcd" {
		t.Errorf("sorted by name: %s, want abcd", order.String())
	}
}

func TestFileInParallel(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := clock.NewFake(sent)
	one, other := file(t, dir, c), file(t, dir, c) // two processes
	var wg sync.WaitGroup
	for i := range 40 {
		m := one
		if i%2 == 1 {
			m = other
		}
		wg.Go(func() {
			if err := m.Send(t.Context(), message); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := mails(t, dir); len(got) != 40 {
		t.Errorf("%d files, want 40", len(got))
	}
}

// What would let a stranger write headers or name more recipients is refused, for good, by both mailers.
func TestNoHeaderInjection(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := startServer(t, false, nil)
	mailers := map[string]mail.Mailer{"file": file(t, dir, clock.NewFake(sent)), "smtp": server.mailer(t, mail.Required, nil)}
	for name, change := range map[string]func(*mail.Message){
		"subject LF":     func(m *mail.Message) { m.Subject = "Bonjour\nBcc: victim@example.com" },
		"subject CRLF":   func(m *mail.Message) { m.Subject = "Bonjour\r\nBcc: victim@example.com" },
		"subject CR":     func(m *mail.Message) { m.Subject = "Bonjour\rBcc: victim@example.com" },
		"subject NUL":    func(m *mail.Message) { m.Subject = "Bonjour\x00" },
		"to CRLF":        func(m *mail.Message) { m.To = "user@example.com\r\nBcc: victim@example.com" },
		"to quoted CRLF": func(m *mail.Message) { m.To = "\"a\r\nBcc: victim@example.com\"@example.com" },
		"to two":         func(m *mail.Message) { m.To = "user@example.com, victim@example.com" },
		"to with a name": func(m *mail.Message) { m.To = "Zoé <user@example.com>" },
		"to nobody":      func(m *mail.Message) { m.To = "" },
		"id":             func(m *mail.Message) { m.ID = "1>\r\nBcc: <victim" },
	} {
		msg := message
		change(&msg)
		for kind, m := range mailers {
			err := m.Send(t.Context(), msg)
			var failure *mail.Error
			if !errors.As(err, &failure) || !failure.Permanent() {
				t.Errorf("%s, %s: %v; want a permanent error", kind, name, err)
			}
		}
	}
	if n := len(mails(t, dir)) + len(server.received()); n != 0 {
		t.Errorf("%d mails were sent all the same", n)
	}
}

// A text that looks like headers or like the end of the mail stays text.
func TestTextStaysText(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := startServer(t, false, nil)
	msg := message
	msg.Text = "\nBcc: victim@example.com\n\n.\nQUIT\n..\r\n" + strings.Repeat("x", 2000) + "\n= =3D\n"
	want := strings.ReplaceAll(msg.Text, "\r\n", "\n")
	for _, m := range []mail.Mailer{file(t, dir, clock.NewFake(sent)), server.mailer(t, mail.Required, nil)} {
		if err := m.Send(t.Context(), msg); err != nil {
			t.Fatal(err)
		}
	}
	for name, raw := range mails(t, dir) {
		if got := parse(t, raw); got.text != want {
			t.Errorf("%s: text %q, want %q", name, got.text, want)
		}
	}
	for _, d := range server.received() {
		if got := parse(t, d.data); got.text != want {
			t.Errorf("SMTP: text %q, want %q", got.text, want)
		}
	}
}

func TestIDsDiffer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m := file(t, dir, clock.NewFake(sent))
	msg := message
	msg.ID = ""
	ids := map[string]bool{}
	for range 2 {
		if err := m.Send(t.Context(), msg); err != nil {
			t.Fatal(err)
		}
	}
	for _, raw := range mails(t, dir) {
		ids[parse(t, raw).id] = true
	}
	if len(ids) != 2 {
		t.Errorf("ids %v, want two", ids)
	}
}

func TestFileFailures(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	m := file(t, dir, clock.NewFake(sent))
	if err := m.Send(ctx, message); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context: %v", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	err := m.Send(t.Context(), message)
	var failure *mail.Error
	if !errors.Is(err, os.ErrNotExist) || errors.As(err, &failure) {
		t.Errorf("no directory: %v; want an error that a later attempt may cure", err)
	}
	if _, err := mail.NewFile(mail.FileConfig{Dir: dir}); err == nil {
		t.Error("no sender is accepted")
	}
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := mail.FileConfig{Dir: blocked, From: netmail.Address{Address: "a@example.com"}, Clock: clock.System{}, Random: rand.Reader}
	if _, err := mail.NewFile(cfg); err == nil {
		t.Error("a file in the directory's place is accepted")
	}
}

func TestParseFrom(t *testing.T) {
	t.Parallel()
	got, err := mail.ParseFrom("The Tip Top <noreply@example.com>")
	if want := (netmail.Address{Name: "The Tip Top", Address: "noreply@example.com"}); got != want || err != nil {
		t.Errorf("ParseFrom = %+v, %v", got, err)
	}
	for _, bad := range []string{"", "noreply", "a@example.com, b@example.com", "=?utf-8?q?a=0d=0ab?= <a@example.com>"} {
		if got, err := mail.ParseFrom(bad); err == nil {
			t.Errorf("ParseFrom(%q) = %+v", bad, got)
		}
	}
}
