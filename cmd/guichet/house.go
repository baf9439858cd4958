package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/config"
	"github.com/guichet-api/guichet/internal/platform/jobs"
	"github.com/guichet-api/guichet/internal/platform/mail"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/ratelimit"
	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/migrations"
)

// house is what systems stand on. Commands that only administer a system make a smaller one: see openHouse.
type house struct {
	settings settings
	log      *slog.Logger
	server   *pg.Server
	secret   []byte
	metrics  *web.Registry
	pools    []*pgxpool.Pool

	limiter   *ratelimit.Limiter
	jobs      *jobs.Jobs
	mailer    mail.Mailer
	passwords *auth.Passwords
	clock     clock.Clock
	random    io.Reader
}

// The database connections of a process: GUICHET_DB_MAX_CONNS is shared out, so that no system can take another's.
const (
	minPlatformConns = 2 + minJobConns // rate limits, and jobs
	minJobConns      = 3               // River holds one to elect a leader and one per fetch
	minSystemConns   = 4
)

// shares is how many connections each pool gets.
type shares struct{ limits, jobs, system int }

// share gives jobs a tenth, rate limits a fifth, and the systems the rest in equal parts.
func share(total, systems int) shares {
	s := shares{limits: max(total/5, minPlatformConns-minJobConns), jobs: max(total/10, minJobConns)}
	for total-s.limits-s.jobs < systems*minSystemConns && s.limits > minPlatformConns-minJobConns {
		s.limits--
	}
	for total-s.limits-s.jobs < systems*minSystemConns && s.jobs > minJobConns {
		s.jobs--
	}
	s.system = (total - s.limits - s.jobs) / systems
	return s
}

// houseOptions says what the house is for.
type houseOptions struct {
	share    bool // join the database of a process that serves, rather than fail
	progress io.Writer
}

// open opens the database, brings its schema to this version and loads the secret. Whoever called it calls close, also after
// an error.
func (h *house) open(ctx context.Context, o houseOptions, systems []system) error {
	if err := h.openDatabase(ctx, o); err != nil {
		return err
	}
	if _, err := h.migrate(ctx, systems); err != nil {
		return err
	}
	h.clock, h.random = clock.System{}, rand.Reader
	h.secret = h.settings.secret
	var err error
	if h.secret == nil {
		if h.secret, err = auth.LoadSecret(h.settings.stateDir, h.random); err != nil {
			return err
		}
	}
	h.passwords, err = auth.NewPasswords(auth.PasswordsConfig{Random: h.random})
	return err
}

// openDatabase finds or starts the database.
func (h *house) openDatabase(ctx context.Context, o houseOptions) (err error) {
	s := h.settings
	h.server, err = pg.Open(ctx, pg.Options{
		DatabaseURL: s.databaseURL, StateDir: s.stateDir, Bin: s.pgBin, Path: s.path, MaxConns: s.maxConns, Share: o.share,
		Logger: h.log, Progress: o.progress,
	})
	return err
}

// migrate brings what all systems share, then each system, to this version's schema, and says how many steps it took.
func (h *house) migrate(ctx context.Context, systems []system) (applied int, err error) {
	url := h.server.URL()
	applied, err = pg.Migrate(ctx, url, ratelimit.Schema, migrations.Of(ratelimit.Schema), h.log)
	if err != nil {
		return applied, err
	}
	n, err := jobs.Migrate(ctx, url, h.log)
	if applied += n; err != nil {
		return applied, err
	}
	for _, s := range systems {
		n, err := pg.Migrate(ctx, url, s.name, migrations.Of(s.name), h.log)
		if applied += n; err != nil {
			return applied, err
		}
	}
	return applied, nil
}

// furnish makes what serving needs beyond a database.
func (h *house) furnish(ctx context.Context, conns shares) error {
	h.metrics = web.NewRegistry(version())
	limits, err := h.pool(ctx, "ratelimit", pg.PoolConfig{Schema: ratelimit.Schema, MaxConns: conns.limits})
	if err != nil {
		return err
	}
	key, err := auth.Key(h.secret, "platform/ratelimit")
	if err != nil {
		return err
	}
	h.limiter, err = ratelimit.New(ratelimit.Config{Pool: limits, Clock: h.clock, Secret: key, Off: h.settings.limits.off})
	if err != nil {
		return err
	}
	// No request waits for these: a purge of many rows may take its time.
	work, err := h.pool(ctx, "jobs", pg.PoolConfig{Schema: jobs.Schema, MaxConns: conns.jobs, QueryTimeout: time.Minute})
	if err != nil {
		return err
	}
	if h.jobs, err = jobs.Open(jobs.Config{Pool: work, Logger: h.log}); err != nil {
		return err
	}
	h.mailer, err = h.newMailer()
	return err
}

// pool opens a pool of the house; close closes it. cfg says what is this pool's own.
func (h *house) pool(ctx context.Context, name string, cfg pg.PoolConfig) (*pgxpool.Pool, error) {
	cfg.URL, cfg.AppName, cfg.Logger = h.server.URL(), "guichet "+name, h.log
	pool, err := pg.Pool(ctx, cfg)
	if err != nil {
		return nil, err
	}
	h.pools = append(h.pools, pool)
	if h.metrics != nil {
		h.metrics.AddPool(name, pool)
	}
	return pool, nil
}

// mailDir is where mails lie that no server takes.
func (s settings) mailDir() string { return filepath.Join(s.stateDir, "mail") }

func (h *house) newMailer() (mail.Mailer, error) {
	if h.settings.smtp == nil {
		return mail.NewFile(mail.FileConfig{
			Dir: h.settings.mailDir(), From: h.settings.mailFrom, Clock: h.clock, Random: h.random,
		})
	}
	cfg := *h.settings.smtp
	cfg.From, cfg.Clock, cfg.Random = h.settings.mailFrom, h.clock, h.random
	return mail.NewSMTP(cfg)
}

// close ends what open and furnish began, the last first.
func (h *house) close(ctx context.Context) error {
	var failed error
	if h.jobs != nil {
		failed = h.jobs.Stop(ctx)
	}
	for _, pool := range slices.Backward(h.pools) {
		pool.Close()
	}
	if h.server != nil {
		if err := h.server.Close(ctx); err != nil {
			failed = errors.Join(failed, fmt.Errorf("stopping the database: %w", err))
		}
	}
	return failed
}

// openHouse opens a house for an administrator's command, which works beside a running server as well as alone.
func (a *app) openHouse(ctx context.Context, systems []system) (*house, error) {
	s, err := a.settings()
	if err := config.Join(err, s.requireSecret()); err != nil {
		return nil, err
	}
	s.logLevel = max(s.logLevel, slog.LevelWarn) // the command says itself what it did
	h := &house{settings: s, log: a.logger(s)}
	if err := h.open(ctx, houseOptions{share: true, progress: a.stderr}, systems); err != nil {
		return nil, errors.Join(err, h.close(context.WithoutCancel(ctx)))
	}
	return h, nil
}
