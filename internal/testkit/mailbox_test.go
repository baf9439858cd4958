package testkit

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/mail"
)

func TestMailbox(t *testing.T) {
	t.Parallel()
	box := NewMailbox(t, clock.NewFake(time.Unix(0, 0)), Random("mail"))
	long := "é " + strings.Repeat("a long line ", 100) + "\nhttp://x/?token=a=b\n"
	type delivery struct {
		letter *Letter
		err    error
	}
	waited := make(chan delivery)
	go func() {
		letter, err := box.Next(t.Context(), "ann@example.com") // before it is sent
		waited <- delivery{letter, err}
	}()
	for _, m := range []mail.Message{
		{To: "ben@example.com", Subject: "Pour Ben", Text: "Ben\n"},
		{To: "ann@example.com", Subject: "Une très longue lettre", Text: long},
		{To: "ANN@example.com", Subject: "Deux", Text: "deux\n", HTML: "<p>deux</p>"},
	} {
		if err := box.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	first := <-waited
	if first.err != nil || first.letter.Text != long || first.letter.Header.Get("Subject") != "Une très longue lettre" {
		t.Errorf("the first mail: %+v", first)
	}
	if left := box.Unread("ann@example.com"); left == nil || left.Text != "deux\n" {
		t.Errorf("unread: %+v", left)
	}
	if second, err := box.Next(t.Context(), "ann@example.com"); err != nil || second.Header.Get("Subject") != "Deux" {
		t.Errorf("the second mail: %+v %v", second, err)
	}
	if left := box.Unread("ann@example.com"); left != nil {
		t.Errorf("a third mail: %+v", left)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if letter, err := box.Next(ctx, "ann@example.com"); err == nil {
		t.Errorf("a mail that nobody sent: %+v", letter)
	}
}
