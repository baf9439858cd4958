package endtoend

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/guichet-api/guichet/internal/bench/contest"
	"github.com/guichet-api/guichet/internal/bench/guichet"
	"github.com/guichet-api/guichet/internal/bench/process"
	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/platform/pg"
)

// What both servers and the load have in common.
const (
	workers       = 16 // connections to the server measured, and players
	ticketsOfEach = 200
	poolSize      = 28 // connections of Guichet's only system, of the 40 of the process
	startTimeout  = 60 * time.Second
)

// server is a contestant.
type server struct {
	name string
	url  string
	pid  int
}

// stage is the database, both servers and the game that they serve.
type stage struct {
	dir      string
	database *pg.Server
	postgres int // its process
	contest  *contest.Contest
	servers  []server // the peer, then ours
	close    []func() error
}

// newStage starts everything in a temporary directory. Whoever called it calls Close, also after an error.
func newStage(ctx context.Context) (*stage, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*startTimeout)
	defer cancel()
	s := &stage{}
	if err := s.start(ctx); err != nil {
		return s, fmt.Errorf("endtoend: %w", err)
	}
	return s, nil
}

func (s *stage) start(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "guichet-bench-")
	if err != nil {
		return err
	}
	s.dir = dir
	s.close = append(s.close, func() error { return os.RemoveAll(dir) })
	binary, err := guichet.Build(ctx, dir)
	if err != nil {
		return err
	}
	if err := s.startDatabase(ctx); err != nil {
		return err
	}
	secret := guichet.NewSecret()
	ours, err := guichet.Serve(ctx, guichet.Config{Binary: binary, Dir: dir, DatabaseURL: s.database.URL(), Secret: secret})
	if err != nil {
		return err
	}
	s.close = append(s.close, ours.Stop)
	s.contest, err = contest.Fill(ctx, contest.Config{
		URL: ours.URL, DatabaseURL: s.database.URL(), Players: workers, Tickets: ticketsOfEach,
	})
	if err != nil {
		return err
	}
	s.close = append(s.close, func() error { return s.contest.Close(context.WithoutCancel(ctx)) })
	peer, err := s.startFastify(ctx, secret)
	if err != nil {
		return err
	}
	s.servers = []server{peer, {name: nameGuichet, url: ours.URL, pid: ours.PID}}
	return nil
}

// startDatabase runs the embedded PostgreSQL for both servers, with its durability on.
func (s *stage) startDatabase(ctx context.Context) error {
	if err := os.Chmod(s.dir, 0o711); err != nil { // started by root, PostgreSQL's own user must get through
		return err
	}
	var err error
	s.database, err = pg.Open(ctx, pg.Options{StateDir: s.dir + "/database", MaxConns: 2 * 40, Path: os.Getenv("PATH"), Progress: os.Stderr})
	if err != nil {
		return err
	}
	s.close = append(s.close, func() error { return s.database.Close(context.WithoutCancel(ctx)) })
	s.postgres, err = process.Find(os.Getpid(), "postgres")
	return err
}

// startFastify runs the peer. It gets the key that Guichet signs its sessions with, so that one token opens both.
func (s *stage) startFastify(ctx context.Context, secret string) (server, error) {
	texts, err := statements(ctx)
	if err != nil {
		return server{}, err
	}
	sql, err := json.Marshal(texts)
	if err != nil {
		return server{}, err
	}
	key, err := auth.Key([]byte(secret), contest.Schema+"/session")
	if err != nil {
		return server{}, err
	}
	addr, err := guichet.FreeAddr()
	if err != nil {
		return server{}, err
	}
	child, err := process.Start(process.Config{
		Name: "fastify", Logs: s.dir, Args: []string{"node", "fastify/server.js"},
		Env: append(os.Environ(), "NODE_ENV=production", "ADDR="+addr, "DATABASE_URL="+s.database.URL(),
			"POOL="+strconv.Itoa(poolSize), "SESSION_KEY="+hex.EncodeToString(key), "STATEMENTS="+string(sql)),
	})
	if err != nil {
		return server{}, err
	}
	s.close = append(s.close, child.Stop)
	peer := server{name: nameFastify, url: "http://" + addr, pid: child.PID}
	return peer, child.WaitReady(ctx, func(ctx context.Context) error { return guichet.Get(ctx, peer.url+"/readyz") })
}

// Close ends what newStage started, the last first.
func (s *stage) Close() error {
	var failed error
	for i := len(s.close) - 1; i >= 0; i-- {
		failed = errors.Join(failed, s.close[i]())
	}
	return failed
}
