package load_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/bench/load"
)

func TestPercentile(t *testing.T) {
	t.Parallel()
	ten := make([]time.Duration, 10)
	for i := range ten {
		ten[i] = time.Duration(i + 1)
	}
	for _, c := range []struct {
		of   []time.Duration
		p    float64
		want time.Duration
	}{
		{nil, 50, 0}, {ten, 0, 1}, {ten, 50, 5}, {ten, 51, 6}, {ten, 99, 10}, {ten, 100, 10}, {ten[:1], 50, 1}, {ten[:3], 50, 2},
	} {
		if got := load.Percentile(c.of, c.p); got != c.want {
			t.Errorf("Percentile(%v, %v) = %d, want %d", c.of, c.p, got, c.want)
		}
	}
}

// plan sends the number of each request to a server that echoes it.
func plan(t *testing.T, requests int, seen func(load.Answer) error) load.Plan {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, r.URL.Query().Get("n"))
	}))
	t.Cleanup(server.Close)
	return load.Plan{
		Client: load.NewClient(4), Workers: 4, Requests: requests, Seen: seen,
		Request: func(ctx context.Context, _, n int) (*http.Request, error) {
			return http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"?n="+strconv.Itoa(n), http.NoBody)
		},
	}
}

func TestRunSendsEachRequestOnce(t *testing.T) {
	t.Parallel()
	const requests = 500
	var mu sync.Mutex
	seen := map[string]int{}
	took, err := load.Run(t.Context(), plan(t, requests, func(a load.Answer) error {
		mu.Lock()
		defer mu.Unlock()
		seen[string(a.Body)]++
		if a.Err != nil || a.Status != http.StatusAccepted || string(a.Body) != strconv.Itoa(a.N) || a.Took <= 0 {
			t.Errorf("answer %+v", a)
		}
		return nil
	}))
	if err != nil || took <= 0 {
		t.Fatalf("Run = %s, %v", took, err)
	}
	if len(seen) != requests {
		t.Errorf("%d different requests were answered, want %d", len(seen), requests)
	}
}

func TestRunEndsWithTheFirstError(t *testing.T) {
	t.Parallel()
	wrong := errors.New("wrong answer")
	_, err := load.Run(t.Context(), plan(t, 0, func(a load.Answer) error {
		if a.N == 50 {
			return wrong
		}
		return nil
	}))
	if !errors.Is(err, wrong) {
		t.Errorf("Run = %v, want %v", err, wrong)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		requests int
		want     error
	}{
		"unfinished requests are an error": {1 << 30, context.Canceled},
		"an endless load just ends":        {0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			_, err := load.Run(ctx, plan(t, c.requests, func(a load.Answer) error {
				if a.N == 20 {
					cancel()
				}
				return nil
			}))
			if !errors.Is(err, c.want) {
				t.Errorf("Run = %v, want %v", err, c.want)
			}
		})
	}
}
