// Package process runs servers as child processes and reads from Linux's /proc what they use.
//
// A child dies with this process, however this process dies, and is only ever signalled by its own id.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Config describes a child.
type Config struct {
	Name string   // of its log file and in errors
	Dir  string   // working directory; "" is this process's
	Args []string // the program and its arguments
	Env  []string // the whole environment, as os.Environ gives one
	Logs string   // directory of its log file
}

// Child is a running child process.
type Child struct {
	Name string
	PID  int

	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended
	err  error         // how; read it after done
}

// Start starts a child. Whoever called it calls Stop.
func Start(cfg Config) (*Child, error) {
	c := &Child{Name: cfg.Name, log: filepath.Join(cfg.Logs, cfg.Name+".log"), done: make(chan struct{})}
	output, err := os.OpenFile(c.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("process.Start: %w", err)
	}
	defer output.Close()
	c.cmd = exec.Command(cfg.Args[0], cfg.Args[1:]...)
	c.cmd.Dir, c.cmd.Env = cfg.Dir, cfg.Env
	c.cmd.Stdout, c.cmd.Stderr = output, output
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	started := make(chan error)
	go func() {
		// Linux sends Pdeathsig when the thread ends that started the child, so this one lives as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.cmd.Start()
		started <- err
		if err == nil {
			c.err = c.cmd.Wait()
			close(c.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("process.Start: %s: %w", cfg.Name, err)
	}
	c.PID = c.cmd.Process.Pid
	return c, nil
}

// Done is closed when the child has ended.
func (c *Child) Done() <-chan struct{} { return c.done }

// Stop asks the child to end, and ends it when it has not within 45 seconds. It may be called again.
func (c *Child) Stop() error {
	const patience = 45 * time.Second // the product itself takes 30 at most
	select {
	case <-c.done:
		return nil
	default:
	}
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("process.Stop: %s: %w", c.Name, err)
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.done:
		return nil
	case <-timer.C:
	}
	if err := c.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("process.Stop: %s: %w", c.Name, err)
	}
	<-c.done
	return fmt.Errorf("process.Stop: %s did not end within %s and was killed\n%s", c.Name, patience, c.Tail())
}

// WaitReady asks ready again and again until it is nil. It fails when the child or ctx ends first.
func (c *Child) WaitReady(ctx context.Context, ready func(context.Context) error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-c.done:
			return fmt.Errorf("%s ended before it was ready: %w\n%s", c.Name, c.err, c.Tail())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w\n%s", c.Name, err, c.Tail())
		}
	}
}

// Tail is the end of the child's log.
func (c *Child) Tail() string {
	const lines = 15
	data, err := os.ReadFile(c.log)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// Run runs a command to its end; its output is part of the error when it fails.
func Run(ctx context.Context, dir string, env []string, args ...string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, env
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, output)
	}
	return nil
}
