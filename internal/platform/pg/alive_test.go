//go:build linux || darwin

package pg

import (
	"net"
	"path/filepath"
	"testing"
	"time"
)

// TestAlive asks about connections that somebody reads at the same time, as pgx does behind a slow write: the answer must
// not wait for that read.
func TestAlive(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("unix", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()

	read := make(chan error, 1)
	go func() {
		_, err := client.Read(make([]byte, 1))
		read <- err
	}()
	answer := func() bool {
		t.Helper()
		result := make(chan bool, 1)
		go func() { result <- alive(client) }()
		select {
		case quiet := <-result:
			return quiet
		case <-time.After(10 * time.Second):
			t.Fatal("alive waits for the reader of the connection")
			return false
		}
	}
	for range 100 { // the reader begins at some point
		if !answer() {
			t.Fatal("an open and quiet connection is not alive")
		}
	}
	if _, err := server.Write([]byte("xy")); err != nil { // one byte for the reader, one unread
		t.Fatal(err)
	}
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	if answer() {
		t.Error("a connection that holds an unread byte is alive")
	}
	if _, err := client.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	server.Close()
	if answer() {
		t.Error("a connection that the server closed is alive")
	}
}
