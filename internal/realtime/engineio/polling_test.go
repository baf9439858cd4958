package engineio_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/realtime/engineio"
)

// TestPolling: messages go both ways, texts and binary data, several at once and in order.
func TestPolling(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{})
	for _, body := range []string{"4hello", "4", "4a\x1e4b\x1e4c", "4é€😀\x1ebAQIDBA==\x1e4x", "4" + strings.Repeat("x", 70000)} {
		sid := b.handshake(t)
		if status, text := b.post(t, sid, body); status != 200 || text != "ok" {
			t.Fatalf("POST %.20q: %d %s", body, status, text)
		}
		b.expectPoll(t, sid, 200, body)
	}
}

// TestPollingWaits: a GET is answered when there is something to say.
func TestPollingWaits(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{})
	sid := b.handshake(t)
	session := <-b.sessions
	answer := make(chan string)
	go func() {
		_, text := b.poll(t, sid)
		answer <- text
	}()
	for !session.Ready() {
		select {
		case text := <-answer:
			t.Fatalf("answered with %q before there was anything to say", text)
		case <-time.After(time.Millisecond):
		}
	}
	session.SendMessage([]byte("now"), false)
	if text := <-answer; text != "4now" {
		t.Errorf("answered with %q", text)
	}
}

// TestPollingViolations: what is no payload ends the session; what is too large is refused alone.
func TestPollingViolations(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{MaxPayload: 100})
	for _, body := range []string{"", "abc", "7", "4a\x1e", "4\xff", "b!", "bAQI", "2probe"} {
		sid := b.handshake(t)
		if status, text := b.post(t, sid, body); status != 400 {
			t.Errorf("POST %q: %d %s, want 400", body, status, text)
		}
		b.ended(t, engineio.CauseParseError)
		b.expectPoll(t, sid, 400, "")
	}
	sid := b.handshake(t)
	if status, _ := b.post(t, sid, "4"+strings.Repeat("x", 100)); status != 413 {
		t.Errorf("101 bytes: %d, want 413", status)
	}
	if status, _ := b.post(t, sid, "4"+strings.Repeat("x", 99)); status != 200 {
		t.Errorf("100 bytes: %d, want 200", status)
	}
	status, _, _ := b.ask(t, http.MethodPost, polling+"&sid="+sid, "4x", http.Header{"Content-Type": {"application/octet-stream"}})
	if status != 400 {
		t.Errorf("binary body: %d, want 400", status)
	}
	b.ended(t, engineio.CauseTransportError)
}

// TestTwoPolls: the first hears that the session is closed, the second is refused.
func TestTwoPolls(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{})
	sid := b.handshake(t)
	session := <-b.sessions
	first := make(chan string)
	go func() {
		_, text := b.poll(t, sid)
		first <- text
	}()
	for !session.Ready() {
		<-time.After(time.Millisecond)
	}
	b.expectPoll(t, sid, 400, "")
	if text := <-first; text != "1" {
		t.Errorf("the first GET was answered with %q, want 1", text)
	}
	b.ended(t, engineio.CauseTransportError)
	b.expectPoll(t, sid, 400, "")
}

// TestCancelledPoll: a client that gives its GET up has lost what it would have got, and the session with it.
func TestCancelledPoll(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{})
	sid := b.handshake(t)
	session := <-b.sessions
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+"/?"+polling+"&sid="+sid, nil)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if resp, err := http.DefaultClient.Do(r); err == nil {
			_ = resp.Body.Close()
			t.Error("the GET was answered")
		}
	}()
	for !session.Ready() {
		<-time.After(time.Millisecond)
	}
	cancel()
	<-gone
	b.ended(t, engineio.CauseTransportError)
	b.expectPoll(t, sid, 400, "")
}

// TestPollOutOfTime: a GET whose time the server limits ends with nothing, and the session lives.
func TestPollOutOfTime(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{})
	sid := b.handshake(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	recorder := httptest.NewRecorder()
	b.server.ServeHTTP(recorder, httptest.NewRequestWithContext(ctx, http.MethodGet, "/?"+polling+"&sid="+sid, nil))
	if text := recorder.Body.String(); recorder.Code != 200 || text != "6" {
		t.Errorf("%d %q, want 200 6", recorder.Code, text)
	}
	if status, _ := b.post(t, sid, "4on"); status != 200 {
		t.Errorf("POST afterwards: %d", status)
	}
	b.expectPoll(t, sid, 200, "4on")
}

// TestClientCloses: the GET that waits, or the one that was overtaken, ends with noop; the session is gone.
func TestClientCloses(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{})
	sid := b.handshake(t)
	session := <-b.sessions
	answer := make(chan string)
	go func() {
		_, text := b.poll(t, sid)
		answer <- text
	}()
	for !session.Ready() {
		<-time.After(time.Millisecond)
	}
	b.post(t, sid, "1")
	if text := <-answer; text != "6" {
		t.Errorf("the GET that waited was answered with %q, want 6", text)
	}
	b.expectPoll(t, sid, 400, "")

	sid = b.handshake(t)
	b.post(t, sid, "1")
	b.expectPoll(t, sid, 200, "6")
	b.expectPoll(t, sid, 400, "")
	b.ended(t, engineio.CauseTransportClose)
	b.ended(t, engineio.CauseTransportClose)
}

// TestNothingAfterTheEnd: what stands behind the close packet in the same body is not handled.
func TestNothingAfterTheEnd(t *testing.T) {
	t.Parallel()
	got := make(chan string, 3)
	b := setup(t, engineio.Config{Open: func(*engineio.Session) engineio.Receiver { return diary(got) }})
	sid := b.handshake(t)
	if status, _ := b.post(t, sid, "4a\x1e1\x1e4b"); status != 200 {
		t.Errorf("POST: %d", status)
	}
	if first, second := <-got, <-got; first != "a" || second != string(engineio.CauseTransportClose) || len(got) > 0 {
		t.Errorf("%s, %s and %d more", first, second, len(got))
	}
}

// diary notes what happens.
type diary chan string

func (d diary) Receive(message []byte, _ bool) error {
	d <- string(message)
	return nil
}

func (d diary) Closed(cause engineio.Cause) { d <- string(cause) }
