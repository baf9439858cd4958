package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

func answering(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(text)) })
}

func TestGate(t *testing.T) {
	t.Parallel()
	ask := func(ctx context.Context, g *gate) string {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/", nil))
		return w.Body.String()
	}
	g := newGate(answering("soon"))
	if got := ask(t.Context(), g); got != "soon" {
		t.Errorf("before it opens: %q", got)
	}
	g.open(answering("here"))
	g.open(answering("too late"))
	if got := ask(t.Context(), g); got != "here" {
		t.Errorf("after it opened: %q", got)
	}

	waiting := newGate(nil)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if got := ask(gone, waiting); got != "" {
		t.Errorf("who has left is answered %q", got)
	}
	answers := make(chan string)
	go func() { answers <- ask(t.Context(), waiting) }()
	select {
	case got := <-answers:
		t.Fatalf("who waits is answered %q before it opens", got)
	default:
	}
	waiting.open(answering("here"))
	if got := <-answers; got != "here" {
		t.Errorf("who waited is answered %q", got)
	}
}

// TestGateOfAMixedPort: nothing is taken off a listener before the system is there, and nothing at all when it never comes.
func TestGateOfAMixedPort(t *testing.T) {
	t.Parallel()
	inner, split := &net.TCPListener{}, &net.UnixListener{}
	g := newGate(nil)
	got := make(chan net.Listener)
	go func() { got <- g.listen(t.Context(), inner) }()
	select {
	case <-got:
		t.Fatal("the listener is served before the system is there")
	default:
	}
	g.split = func(l net.Listener) net.Listener {
		if l != inner {
			t.Error("another listener is split")
		}
		return split
	}
	g.open(answering("here"))
	if l := <-got; l != split {
		t.Errorf("served is %T", l)
	}

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if l := newGate(nil).listen(gone, inner); l != inner {
		t.Errorf("served after the end is %T", l)
	}
	plain := newGate(nil)
	plain.open(answering("here"))
	if l := plain.listen(t.Context(), inner); l != inner {
		t.Errorf("a system that splits nothing is served at %T", l)
	}
}
