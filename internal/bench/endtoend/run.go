package endtoend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/guichet-api/guichet/internal/bench/load"
	"github.com/guichet-api/guichet/internal/bench/process"
	"github.com/guichet-api/guichet/internal/bench/table"
)

// The contestants' names, as tables print them.
const (
	nameFastify = "Fastify + pg"
	nameGuichet = "guichet"
)

// limit is what is asked of Guichet's CPU relative to the peer's, for every call.
func limit() table.Limit { return table.Limit{Must: 1, Aim: 0.5} }

// Config says how long to measure.
type Config struct {
	Rounds int     // each measures both servers once; 0: 5
	Scale  float64 // of the number of requests in a round; 0: 1
	Out    io.Writer
}

// cost is what a call costs on one server, in its best round.
type cost struct {
	cpu      time.Duration // of the server, for one request
	postgres time.Duration // of all of PostgreSQL, for one request
	rate     float64       // requests a second
	p50, p99 time.Duration
}

// Run measures both servers, prints the table, and reports whether everything that is asked of Guichet holds.
func Run(ctx context.Context, cfg Config) (good bool, err error) {
	if cfg.Rounds == 0 {
		cfg.Rounds = 5
	}
	if cfg.Scale == 0 {
		cfg.Scale = 1
	}
	s, err := newStage(ctx)
	defer func() { err = errors.Join(err, s.Close()) }()
	if err != nil {
		return false, err
	}
	shown := table.Table{
		Title: "End to end on PostgreSQL " + s.database.Version(),
		Columns: []string{"<call", "<server", "CPU µs/req", "× Fastify", "must", "aim", "<verdict",
			"PostgreSQL µs/req", "req/s", "p50 ms", "p99 ms"},
		Notes: []string{
			fmt.Sprintf("Best of %d interleaved rounds, %d connections; client, servers and database share this machine.", cfg.Rounds, workers),
			"CPU is the server process's own; both run the same statements on the same rows and log every request.",
			"Fastify is one process, as is usual; Guichet uses every core.",
		},
	}
	good = true
	for i, c := range calls() {
		best, err := s.race(ctx, cfg, c)
		if err != nil {
			return false, fmt.Errorf("endtoend: %w", err)
		}
		if i > 0 {
			shown.Add()
		}
		for j, one := range s.servers {
			asked := table.Limit{}
			if one.name == nameGuichet {
				asked = limit()
			}
			ratio := float64(best[j].cpu) / float64(best[0].cpu)
			good = good && asked.Judge(ratio) != table.Missed
			row := append([]string{c.name, one.name, micros(best[j].cpu), table.Ratio(ratio)}, asked.Cells(ratio)...)
			shown.Add(append(row, micros(best[j].postgres), fmt.Sprintf("%.0f", best[j].rate), millis(best[j].p50), millis(best[j].p99))...)
		}
	}
	return good, shown.Write(cfg.Out)
}

func micros(d time.Duration) string { return fmt.Sprintf("%.0f", float64(d)/float64(time.Microsecond)) }
func millis(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond)) }

// race measures one call on both servers in interleaved rounds, whose first mover alternates, and answers with each one's
// round of the least CPU.
func (s *stage) race(ctx context.Context, cfg Config, c call) ([]cost, error) {
	if err := s.sameAnswers(ctx, c); err != nil {
		return nil, err
	}
	client := load.NewClient(workers)
	defer client.CloseIdleConnections()
	requests := max(workers, int(float64(c.requests)*cfg.Scale))
	best := make([]cost, len(s.servers))
	for round := range cfg.Rounds + 1 {
		for turn := range s.servers {
			i := (round + turn) % len(s.servers)
			got, err := s.measure(ctx, client, c, s.servers[i], requests)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.servers[i].name, err)
			}
			warming := round == 0
			if !warming && (best[i].cpu == 0 || got.cpu < best[i].cpu) {
				best[i] = got
			}
		}
	}
	return best, nil
}

// measure sends a round of requests to one server. Players are the workers; a player's requests are sent one by one.
func (s *stage) measure(ctx context.Context, client *http.Client, c call, one server, requests int) (cost, error) {
	codes := make([]string, requests)
	if c.playing {
		var err error
		if codes, err = s.contest.AddCodes(ctx, requests); err != nil {
			return cost{}, err
		}
	}
	var times load.Times
	server, err := process.CPU(one.pid)
	if err != nil {
		return cost{}, err
	}
	postgres, err := process.TreeCPU(s.postgres)
	if err != nil {
		return cost{}, err
	}
	took, err := load.Run(ctx, load.Plan{
		Client: client, Workers: workers, Requests: requests,
		Request: func(ctx context.Context, worker, n int) (*http.Request, error) {
			return c.request(ctx, one.url, &s.contest.Players[worker], n, codes[n])
		},
		Seen: func(a load.Answer) error {
			times.Add(a.Took)
			return c.accept(a)
		},
	})
	if err != nil {
		return cost{}, err
	}
	serverAfter, err := process.CPU(one.pid)
	if err != nil {
		return cost{}, err
	}
	postgresAfter, err := process.TreeCPU(s.postgres)
	if err != nil {
		return cost{}, err
	}
	sorted := times.Take()
	return cost{
		cpu:      (serverAfter - server) / time.Duration(requests),
		postgres: (postgresAfter - postgres) / time.Duration(requests),
		rate:     float64(requests) / took.Seconds(),
		p50:      load.Percentile(sorted, 50), p99: load.Percentile(sorted, 99),
	}, nil
}
