package soak

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/bench/contest"
	"github.com/guichet-api/guichet/internal/bench/load"
)

func TestGrowth(t *testing.T) {
	t.Parallel()
	g := growth{share: 0.1, slack: 5}
	for name, c := range map[string]struct {
		series []float64
		grew   bool
	}{
		"flat":                        {[]float64{10, 100, 101, 99, 100, 102, 100, 101}, false},
		"grows at the start only":     {[]float64{1, 50, 100, 100, 100, 100, 100, 100}, false},
		"grows all the time":          {[]float64{100, 110, 120, 130, 140, 150, 160, 170}, true},
		"just within share and slack": {[]float64{0, 0, 100, 100, 0, 0, 115, 115}, false},
		"just beyond":                 {[]float64{0, 0, 100, 100, 0, 0, 115.1, 115.1}, true},
		"one outlier":                 {[]float64{0, 0, 0, 100, 100, 100, 0, 0, 0, 100, 900, 100}, false},
		"too short":                   {[]float64{1, 2, 3}, false},
	} {
		if before, after, grew := g.from(c.series); grew != c.grew {
			t.Errorf("%s: %v → %v, grew %v, want %v", name, before, after, grew, c.grew)
		}
	}
}

func TestSchedule(t *testing.T) {
	t.Parallel()
	kinds := mix()
	order := schedule(kinds)
	if len(order) != 1000 {
		t.Fatalf("%d requests", len(order))
	}
	type key struct {
		method, path string
		want         int
	}
	p := &contest.Player{Tickets: []string{"t"}}
	counts := map[key]int{}
	for _, k := range order {
		counts[key{k.method, k.path(p, 0), k.want}]++
	}
	sum := 0
	for _, k := range kinds {
		sum += k.share
		if got := counts[key{k.method, k.path(p, 0), k.want}]; got != k.share {
			t.Errorf("%s %s is sent %d times, want %d", k.method, k.path(p, 0), got, k.share)
		}
	}
	if sum != 1000 {
		t.Errorf("the shares add up to %d", sum)
	}
}

func TestSeen(t *testing.T) {
	t.Parallel()
	play := kind{method: http.MethodPost, path: at("/play"), want: http.StatusOK, play: true}
	envelope, ticket := []byte(`{"success":false}`), []byte(`{"played_at":1}`)
	recently, longAgo := time.Now().Add(-time.Second), time.Now().Add(-time.Hour)
	for name, c := range map[string]struct {
		killed        time.Time
		answer        load.Answer
		told, refused int
		wrong         int
	}{
		"as expected":           {time.Time{}, load.Answer{Status: 200, Body: ticket}, 1, 0, 0},
		"another status":        {time.Time{}, load.Answer{Status: 404, Body: envelope}, 0, 0, 1},
		"500 during the outage": {recently, load.Answer{Status: 500, Body: envelope}, 0, 0, 1},
		"503 during the outage": {recently, load.Answer{Status: 503, Body: envelope}, 0, 1, 0},
		"503 in another form":   {recently, load.Answer{Status: 503, Body: []byte("away")}, 0, 0, 1},
		"503 out of nothing":    {time.Time{}, load.Answer{Status: 503, Body: envelope}, 0, 0, 1},
		"503 long afterwards":   {longAgo, load.Answer{Status: 503, Body: envelope}, 0, 0, 1},
		"no answer":             {recently, load.Answer{Err: errors.New("reset")}, 0, 0, 1},
		"an answer after ages":  {recently, load.Answer{Status: 200, Body: ticket, Took: time.Minute}, 0, 0, 1},
	} {
		tr := &traffic{order: []kind{play}, players: make([]contest.Player, 1), killed: c.killed}
		if err := tr.seen(c.answer); err != nil {
			t.Fatal(err)
		}
		if told := int(tr.acknowledged.Load()); told != c.told || tr.refused != c.refused || tr.wrong != c.wrong {
			t.Errorf("%s: %d told, %d refused, %d wrong (%v)", name, told, tr.refused, tr.wrong, tr.first)
		}
	}
}

func TestMetric(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("# TYPE go_goroutines gauge\ngo_goroutines_other 1\ngo_goroutines 42\n"))
	}))
	defer server.Close()
	if got, err := metric(t.Context(), server.URL, "go_goroutines"); err != nil || got != 42 {
		t.Errorf("metric = %v, %v, want 42", got, err)
	}
	if got, err := metric(t.Context(), server.URL, "go_threads"); err == nil {
		t.Errorf("an absent metric is %v", got)
	}
}
