package tchatator

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/guichet-api/guichet/internal/bench/guichet"
	"github.com/guichet-api/guichet/internal/bench/process"
	"github.com/guichet-api/guichet/internal/platform/pg"
)

// startTimeout bounds the start of everything.
const startTimeout = 2 * time.Minute

// stage is the database, the server with its clients, and the floor.
type stage struct {
	database *pg.Server
	admin    *pgx.Conn
	server   *process.Child
	clients  []*client
	loop     *exec.Cmd
	orders   io.Writer
	reports  *bufio.Reader
	close    []func() error // the last first
}

// newStage starts everything in a temporary directory. Whoever called it calls Close, also after an error.
func newStage(ctx context.Context) (*stage, error) {
	s := &stage{}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	dir, err := os.MkdirTemp("", "guichet-bench-")
	if err != nil {
		return s, err
	}
	s.close = append(s.close, func() error { return os.RemoveAll(dir) })
	for _, step := range []func(context.Context, string) error{s.startDatabase, s.startServer, s.addUsers, s.startFloor, s.connect} {
		if err := step(ctx, dir); err != nil {
			return s, err
		}
	}
	return s, nil
}

// startDatabase runs the embedded PostgreSQL for both, with its durability on.
func (s *stage) startDatabase(ctx context.Context, dir string) error {
	if err := os.Chmod(dir, 0o711); err != nil { // started by root, PostgreSQL's own user must get through
		return err
	}
	var err error
	s.database, err = pg.Open(ctx, pg.Options{StateDir: dir + "/database", MaxConns: 2 * 40, Path: os.Getenv("PATH"), Progress: os.Stderr})
	if err == nil {
		s.close = append(s.close, func() error { return s.database.Close(context.WithoutCancel(ctx)) })
	}
	return err
}

// startServer runs the product as in production, but for the rate.
func (s *stage) startServer(ctx context.Context, dir string) error {
	binary, err := guichet.Build(ctx, dir)
	if err != nil {
		return err
	}
	chat, err := guichet.FreeAddr()
	if err != nil {
		return err
	}
	portal, err := guichet.FreeAddr()
	if err != nil {
		return err
	}
	s.server, err = process.Start(process.Config{
		Name: "guichet", Logs: dir, Args: []string{binary, "serve", "--only", schema},
		Env: []string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "DATABASE_URL=" + s.database.URL(), "GUICHET_SECRET=" + guichet.NewSecret(),
			"GUICHET_STATE_DIR=" + dir + "/state", "GUICHET_TCHATATOR_ADDR=" + chat, "GUICHET_PORTAL_ADDR=" + portal,
			"GUICHET_TCHATATOR_MAX_PER_MINUTE=0", "GUICHET_TCHATATOR_MAX_PER_HOUR=0", "GUICHET_LOG_FORMAT=json",
		},
	})
	if err != nil {
		return err
	}
	s.close = append(s.close, s.server.Stop)
	for i := range connections {
		s.clients = append(s.clients, &client{number: i, addr: chat})
	}
	return s.server.WaitReady(ctx, func(ctx context.Context) error { return guichet.Get(ctx, "http://"+portal+"/readyz") })
}

// token is what user i logs in with.
func token(i int) string { return fmt.Sprintf("%064d", i) }

// addUsers makes a user for each connection.
func (s *stage) addUsers(ctx context.Context, _ string) error {
	var err error
	if s.admin, err = pgx.Connect(ctx, s.database.URL()); err != nil {
		return err
	}
	s.close = append(s.close, func() error { return s.admin.Close(context.WithoutCancel(ctx)) })
	if _, err := s.admin.Exec(ctx, "SET search_path = "+schema); err != nil {
		return err
	}
	for i := range connections {
		hash := sha256.Sum256([]byte(token(i)))
		_, err := s.admin.Exec(ctx, "INSERT INTO users (id, kind, name, token_hash, created_at) VALUES ($1, 'member', 'Bench', $2, now())", sender(i), hash[:])
		if err != nil {
			return err
		}
	}
	return nil
}

// startFloor runs this program as the floor.
func (s *stage) startFloor(_ context.Context, _ string) error {
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	s.loop = exec.Command(executable, FloorCommand, s.database.URL())
	s.loop.Env = append(os.Environ(), "GOGC=400") // it collects garbage as rarely as the product does
	s.loop.Stderr = os.Stderr
	s.loop.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	orders, err := s.loop.StdinPipe()
	if err != nil {
		return err
	}
	reports, err := s.loop.StdoutPipe()
	if err != nil {
		return err
	}
	s.orders, s.reports = orders, bufio.NewReader(reports)
	if err := s.loop.Start(); err != nil {
		return err
	}
	s.close = append(s.close, func() error { return errors.Join(orders.Close(), s.loop.Wait()) })
	return nil
}

// connect logs all clients in.
func (s *stage) connect(_ context.Context, _ string) error {
	for _, c := range s.clients {
		if err := c.connect(); err != nil {
			return err
		}
		s.close = append(s.close, c.conn.Close)
	}
	return nil
}

// floor is the loop as a contestant.
func (s *stage) floor() contestant {
	return contestant{"one INSERT each (pgx)", s.loop.Process.Pid, func(context.Context) error {
		if _, err := fmt.Fprintln(s.orders, each); err != nil {
			return err
		}
		_, err := s.reports.ReadString('\n')
		return err
	}}
}

// chat is the product as a contestant.
func (s *stage) chat() contestant {
	return contestant{"guichet", s.server.PID, func(context.Context) error {
		var group errgroup.Group
		for _, c := range s.clients {
			group.Go(c.send)
		}
		return group.Wait()
	}}
}

// verify looks whether everything that both have stored is there.
func (s *stage) verify(ctx context.Context, messages int) error {
	var stored, announced int
	err := s.admin.QueryRow(ctx, "SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM change)").Scan(&stored, &announced)
	if err == nil && (stored != 2*messages || announced != messages) {
		err = fmt.Errorf("%d messages are stored and %d announced, want %d and %d", stored, announced, 2*messages, messages)
	}
	return err
}

// Close ends everything that was started, the last first.
func (s *stage) Close() error {
	var failed error
	for i := len(s.close) - 1; i >= 0; i-- {
		failed = errors.Join(failed, s.close[i]())
	}
	return failed
}

// client is one connection of the text wire.
type client struct {
	number int
	addr   string
	conn   net.Conn
	in     *bufio.Reader
}

func (c *client) connect() error {
	var err error
	if c.conn, err = net.Dial("tcp", c.addr); err != nil {
		return err
	}
	c.in = bufio.NewReader(c.conn)
	return c.exchange("LOGIN\napi-token:"+token(c.number)+"\n", 2)
}

// send sends the messages of a turn, each when the one before it was acknowledged.
func (c *client) send() error {
	for n := range each {
		text := content(c.number, n)
		command := fmt.Sprintf("SEND_MSG\ntoken:%s\nmessage-length:%d\nreceiver-id:%d\ncontent:%s\n", token(c.number), len(text), receiver(c.number), text)
		if err := c.exchange(command, 3); err != nil {
			return err
		}
	}
	return nil
}

// exchange sends a command and reads an answer of so many lines.
func (c *client) exchange(command string, lines int) error {
	if _, err := io.WriteString(c.conn, command); err != nil {
		return err
	}
	for i := range lines {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return err
		}
		if i == 0 && !strings.HasPrefix(line, "200/") {
			return fmt.Errorf("%.20q was answered %q", command, line)
		}
	}
	return nil
}
