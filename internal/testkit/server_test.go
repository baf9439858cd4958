package testkit

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/guichet-api/guichet/internal/platform/pg"
)

func TestOutage(t *testing.T) {
	t.Parallel()
	db := Database(t, shopDB)
	outage := NewOutage(t, db)
	pool, err := pg.Pool(t.Context(), pg.PoolConfig{URL: outage.URL, Schema: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	count := func() (n int, err error) {
		err = pool.QueryRow(t.Context(), `SELECT count(*) FROM orders`).Scan(&n)
		return n, err
	}
	for range 2 {
		if _, err := count(); err != nil {
			t.Fatalf("while the database is there: %v", err)
		}
		outage.Set(true)
		if _, err := count(); !pg.IsUnavailable(err) {
			t.Fatalf("while the database is away: %v", err)
		}
		outage.Set(false)
	}
	if _, err := count(); err != nil {
		t.Fatalf("once the database is back: %v", err)
	}
}

func TestRandomRepeats(t *testing.T) {
	t.Parallel()
	read := func(seed string) []byte {
		bytes := make([]byte, 100)
		if _, err := io.ReadFull(Random(seed), bytes); err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	if !bytes.Equal(read("a"), read("a")) || bytes.Equal(read("a"), read("b")) {
		t.Error("the same seed must give the same bytes, and another seed others")
	}
}

// TestClientSendsAsItIs: paths, queries and lengths reach the server byte by byte.
func TestClientSendsAsItIs(t *testing.T) {
	t.Parallel()
	server := NewServer(t)
	server.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %d %q %q %v", r.Method, r.RequestURI, r.ContentLength, body, r.Header["X-Test"], err)
	}))
	for _, test := range []struct {
		base    string
		request Request
		want    string
	}{
		{"", Request{Method: "GET", Path: "/a?b=%zz&b"}, `GET /a?b=%zz&b 0 "" [] <nil>`},
		{"/base", Request{Method: "GET", Path: "/a%2Fb?"}, `GET /base/a%2Fb? 0 "" [] <nil>`},
		{"", Request{Method: "GET", Path: "//a/../b"}, `GET //a/../b 0 "" [] <nil>`},
		{"", Request{Method: "BREW", Path: "/", Header: http.Header{"X-Test": {"1", "2"}}}, `BREW / 0 "" ["1" "2"] <nil>`},
		{"", Request{Method: "POST", Path: "/", Body: []byte("\x00\xff")}, `POST / 2 "\x00\xff" [] <nil>`},
		{"", Request{Method: "POST", Path: "/", Body: []byte("abc"), Chunked: true}, `POST / -1 "abc" [] <nil>`},
		{"", Request{Method: "POST", Path: "/", Chunked: true}, `POST / -1 "" [] <nil>`},
	} {
		response, err := NewClient(t, nil, server.URL+test.base).Do(t.Context(), test.request)
		if err != nil {
			t.Errorf("%s: %v", test.want, err)
		} else if string(response.Body) != test.want {
			t.Errorf("want %s, got %s", test.want, response.Body)
		}
	}
}
