package endtoend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
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
	Rounds int // 0: 5
	Out    io.Writer
}

// turns are how often a round comes to each server: short turns give both the same share of a noisy machine.
const turns = 5

// cost is what a call costs on one server.
type cost struct {
	cpu      time.Duration // of the server for one request, the median turn of the best round
	postgres time.Duration // of all of PostgreSQL for one request, on the average
	rate     float64       // requests a second, in the best turn
	p50, p99 time.Duration // over all turns
}

// Run measures both servers, prints the table, and reports whether everything that is asked of Guichet holds.
func Run(ctx context.Context, cfg Config) (good bool, err error) {
	if cfg.Rounds == 0 {
		cfg.Rounds = 5
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
			fmt.Sprintf("Best of %d interleaved rounds, each the median of %d turns; %d connections; client, servers and database share this machine.", cfg.Rounds, turns, workers),
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

// race measures one call on both servers in interleaved rounds.
func (s *stage) race(ctx context.Context, cfg Config, c call) ([]cost, error) {
	if err := s.sameAnswers(ctx, c); err != nil {
		return nil, err
	}
	client := load.NewClient(workers)
	defer client.CloseIdleConnections()
	costs, sums := make([]cost, len(s.servers)), make([]sum, len(s.servers))
	for n := range cfg.Rounds + 1 {
		taken, err := s.round(ctx, client, c)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			continue // for caches, pools and compilers to warm up
		}
		for i, all := range taken {
			for _, one := range all {
				sums[i].add(one)
				costs[i].rate = max(costs[i].rate, float64(c.requests)/one.took.Seconds())
			}
			slices.SortFunc(all, func(a, b sum) int { return cmp.Compare(a.server, b.server) })
			// The lower of the two in the middle: a turn that a neighbour on the machine disturbed, or that none did, says little.
			if cpu := all[(len(all)-1)/2].server / time.Duration(c.requests); costs[i].cpu == 0 || cpu < costs[i].cpu {
				costs[i].cpu = cpu
			}
		}
	}
	for i := range costs {
		slices.Sort(sums[i].times)
		costs[i].postgres = sums[i].postgres / time.Duration(len(sums[i].times))
		costs[i].p50, costs[i].p99 = load.Percentile(sums[i].times, 50), load.Percentile(sums[i].times, 99)
	}
	return costs, nil
}

// round gives each server its turns, one after the other; the first mover alternates.
func (s *stage) round(ctx context.Context, client *http.Client, c call) ([][]sum, error) {
	taken := make([][]sum, len(s.servers))
	for turn := range turns {
		for move := range s.servers {
			i := (turn + move) % len(s.servers)
			got, err := s.measure(ctx, client, c, s.servers[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.servers[i].name, err)
			}
			taken[i] = append(taken[i], got)
		}
	}
	return taken, nil
}

// sum is what was used for the requests of one turn, or of several.
type sum struct {
	server, postgres time.Duration // CPU
	took             time.Duration
	times            []time.Duration // one for each request
}

func (s *sum) add(other sum) {
	s.server += other.server
	s.postgres += other.postgres
	s.took += other.took
	s.times = append(s.times, other.times...)
}

// used is the CPU time of a server and of the database so far.
func (s *stage) used(one server) (used sum, err error) {
	if used.server, err = process.CPU(one.pid); err == nil {
		used.postgres, err = process.TreeCPU(s.postgres)
	}
	return used, err
}

// measure sends a turn of requests to one server. Players are the workers; a player's requests are sent one by one.
func (s *stage) measure(ctx context.Context, client *http.Client, c call, one server) (sum, error) {
	codes := make([]string, c.requests)
	if c.playing {
		var err error
		if codes, err = s.contest.AddCodes(ctx, c.requests); err != nil {
			return sum{}, err
		}
	}
	times := make([]time.Duration, c.requests)
	before, err := s.used(one)
	if err != nil {
		return sum{}, err
	}
	took, err := load.Run(ctx, load.Plan{
		Client: client, Workers: workers, Requests: c.requests,
		Request: func(ctx context.Context, worker, n int) (*http.Request, error) {
			return c.request(ctx, one.url, &s.contest.Players[worker], n, codes[n])
		},
		Seen: func(a load.Answer) error {
			times[a.N] = a.Took
			return c.accept(a)
		},
	})
	if err != nil {
		return sum{}, err
	}
	after, err := s.used(one)
	return sum{server: after.server - before.server, postgres: after.postgres - before.postgres, took: took, times: times}, err
}
