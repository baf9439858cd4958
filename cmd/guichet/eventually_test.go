//go:build unix

package main

import (
	"testing"
	"time"
)

// eventually asks again and again until something holds, for what no channel tells.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("still waiting for %s", what)
		}
	}
}
