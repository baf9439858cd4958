package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/guichet-api/guichet/internal/bench/contest"
	"github.com/guichet-api/guichet/internal/bench/guichet"
	"github.com/guichet-api/guichet/internal/bench/load"
	"github.com/guichet-api/guichet/internal/bench/process"
	"github.com/guichet-api/guichet/internal/platform/pg"
)

// The load: connections, and tickets that each player has at the start.
const (
	workers       = 16
	ticketsOfEach = 100
	windows       = 20  // how many rows the table has
	playsASecond  = 800 // more than the share of the mix comes to; codes are issued for so many
)

// Config says how long to soak.
type Config struct {
	For time.Duration
	Out io.Writer
}

// Run soaks the built binary and reports whether everything that must hold did.
func Run(ctx context.Context, cfg Config) (good bool, err error) {
	if cfg.For < windows*time.Second {
		return false, fmt.Errorf("soak: %s is too short: less than %s shows nothing", cfg.For, windows*time.Second)
	}
	s := &soak{cfg: cfg}
	defer func() { err = errors.Join(err, s.end()) }()
	if err := s.begin(ctx); err != nil {
		return false, fmt.Errorf("soak: %w", err)
	}
	if err := s.run(ctx); err != nil {
		return false, fmt.Errorf("soak: %w", err)
	}
	return s.judge(ctx)
}

// soak is one run.
type soak struct {
	cfg     Config
	dir     string
	server  *guichet.Server
	contest *contest.Contest
	traffic *traffic
	before  int // tickets before the traffic
	samples []sample
	killed  time.Duration // when, from the start
}

// begin starts the binary on an embedded database and fills the game.
func (s *soak) begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	var err error
	if s.dir, err = os.MkdirTemp("", "guichet-soak-"); err != nil {
		return err
	}
	if err := os.Chmod(s.dir, 0o711); err != nil { // started by root, PostgreSQL's own user must get through
		return err
	}
	binary, err := guichet.Build(ctx, s.dir)
	if err != nil {
		return err
	}
	if s.server, err = guichet.Serve(ctx, guichet.Config{Binary: binary, Dir: s.dir}); err != nil {
		return err
	}
	url, err := s.databaseURL(ctx)
	if err != nil {
		return err
	}
	s.contest, err = contest.Fill(ctx, contest.Config{URL: s.server.URL, DatabaseURL: url, Players: workers, Tickets: ticketsOfEach})
	if err != nil {
		return err
	}
	if s.before, err = s.contest.Played(ctx); err != nil {
		return err
	}
	codes, err := s.contest.AddCodes(ctx, int(s.cfg.For.Seconds()*playsASecond))
	if err != nil {
		return err
	}
	s.traffic = &traffic{url: s.server.URL, players: s.contest.Players, codes: codes, order: schedule(mix())}
	return nil
}

// databaseURL asks the state directory for the database that the binary runs.
func (s *soak) databaseURL(ctx context.Context) (string, error) {
	shared, err := pg.Open(ctx, pg.Options{StateDir: filepath.Join(s.dir, "state"), Share: true})
	if err != nil {
		return "", err
	}
	return shared.URL(), shared.Close(ctx)
}

// end stops the binary, which stops its database, and leaves nothing.
func (s *soak) end() error {
	var failed error
	if s.contest != nil {
		_ = s.contest.Close(context.Background()) // the connection may have died with the database
	}
	if s.server != nil {
		failed = s.server.Stop()
	}
	if s.dir != "" {
		failed = errors.Join(failed, os.RemoveAll(s.dir))
	}
	return failed
}

// run drives the traffic, samples in every window, and kills the database halfway.
func (s *soak) run(ctx context.Context) error {
	fmt.Fprintf(s.cfg.Out, "\nSoak of %s: %d connections, mixed traffic; PostgreSQL is killed halfway\n\n%s\n", s.cfg.For, workers, sampleHead)
	ctx, cancel := context.WithTimeout(ctx, s.cfg.For)
	defer cancel()
	client := load.NewClient(workers)
	defer client.CloseIdleConnections()
	ended := make(chan error, 1)
	go func() {
		_, err := load.Run(ctx, load.Plan{Client: client, Workers: workers, Request: s.traffic.request, Seen: s.traffic.seen})
		ended <- err
	}()
	start := time.Now()
	ticker := time.NewTicker(s.cfg.For / (windows + 1)) // the last sample is taken under load, too
	defer ticker.Stop()
	for last := start; ; {
		select {
		case err := <-ended:
			if err == nil && len(s.samples) < windows {
				err = context.Cause(ctx) // interrupted
			}
			return err
		case now := <-ticker.C:
			if len(s.samples) == windows {
				continue
			}
			if err := s.sample(ctx, now.Sub(start), now.Sub(last)); err != nil {
				return errors.Join(err, stopLoad(cancel, ended))
			}
			last = now
			if len(s.samples) != windows/2 {
				continue
			}
			if err := s.killPostgres(time.Since(start)); err != nil {
				return errors.Join(err, stopLoad(cancel, ended))
			}
		}
	}
}

func stopLoad(cancel func(), ended <-chan error) error {
	cancel()
	return <-ended
}

// killPostgres kills the server process of the embedded database, which no clean shutdown survives.
func (s *soak) killPostgres(at time.Duration) error {
	pid, err := process.Find(s.server.PID, "postgres")
	if err != nil {
		return err
	}
	s.killed = at
	s.traffic.mu.Lock()
	s.traffic.killed = time.Now()
	s.traffic.mu.Unlock()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("killing PostgreSQL: %w", err)
	}
	fmt.Fprintf(s.cfg.Out, "%6s  PostgreSQL (process %d) was killed\n", at.Round(time.Second), pid)
	return nil
}

// sample records and prints a window.
func (s *soak) sample(ctx context.Context, at, length time.Duration) error {
	w := s.traffic.window()
	slices.Sort(w.times)
	use, err := process.Use(s.server.PID)
	if err != nil {
		return err
	}
	goroutines, err := metric(ctx, s.server.PortalURL+"/metrics", "go_goroutines")
	if err != nil {
		return err
	}
	one := sample{
		at: at, rate: float64(len(w.times)) / length.Seconds(),
		p50: load.Percentile(w.times, 50), p99: load.Percentile(w.times, 99), longest: load.Percentile(w.times, 100),
		rss: float64(use.RSS), goroutines: goroutines, fds: float64(use.FDs), refused: w.refused, wrong: w.wrong,
	}
	s.samples = append(s.samples, one)
	_, err = fmt.Fprintln(s.cfg.Out, one)
	return err
}
