package guichet

import (
	"net"
	"slices"
	"strconv"
	"testing"
)

func TestClean(t *testing.T) {
	t.Parallel()
	got := clean([]string{"PATH=/bin", "DATABASE_URL=postgres://x", "GUICHET_TZ=UTC", "HOME=/", "SMTP_URL=smtp://x", "MY_GUICHET_X=1"})
	if want := []string{"PATH=/bin", "HOME=/", "MY_GUICHET_X=1"}; !slices.Equal(got, want) {
		t.Errorf("clean = %q, want %q", got, want)
	}
}

func TestFreeAddr(t *testing.T) {
	t.Parallel()
	addr, err := FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := strconv.Atoi(port); host != "127.0.0.1" || err != nil || n >= 32768 {
		t.Errorf("FreeAddr = %s", addr)
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatalf("the address is not free: %v", err)
	}
	listener.Close()
}
