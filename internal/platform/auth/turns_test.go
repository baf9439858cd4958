package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// However many ask, no more hashes are computed at once than allowed; who waits leaves when its context ends.
func TestHashesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := NewPasswords(PasswordsConfig{Cost: TestCost, Concurrent: 2, Random: rand.Reader})
		if err != nil {
			t.Fatal(err)
		}
		p.turns <- struct{}{} // two hashes that take long
		p.turns <- struct{}{}
		waiting, patient := make(chan error, 1), make(chan error, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() { waiting <- p.VerifyDummy(ctx, "x") }()
		go func() { _, err := p.Hash(t.Context(), "x"); patient <- err }()
		synctest.Wait()
		if len(waiting)+len(patient) != 0 {
			t.Fatal("a third hash did not wait")
		}
		if err := <-waiting; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the one whose time is up: %v", err)
		}
		<-p.turns
		if err := <-patient; err != nil {
			t.Errorf("the one that had its turn: %v", err)
		}
		if _, err := p.Hash(ctx, "x"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a turn is free and the context over: %v", err)
		}
	})
}
