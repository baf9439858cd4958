package main

import (
	"context"
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
