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
		for range 20 {
			if _, err := p.Hash(ctx, "x"); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("a turn is free and the context over: %v", err)
			}
		}
	})
}

// VerifyDummy does what Verify does (it takes a turn, see above) at the price of a real hash.
func TestDummyCostsWhatAHashCosts(t *testing.T) {
	t.Parallel()
	p, err := NewPasswords(PasswordsConfig{Cost: Argon2{Memory: 64, Passes: 3, Threads: 2}, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	real, err := p.Hash(t.Context(), "Test1234")
	if err != nil {
		t.Fatal(err)
	}
	one, err1 := parsePHC(p.dummy)
	other, err2 := parsePHC(real)
	if err1 != nil || err2 != nil || one.cost != other.cost || one.cost != p.cfg.Cost || len(one.hash) != len(other.hash) {
		t.Errorf("dummy %s, real %s", p.dummy, real)
	}
}
