//go:build linux || darwin

package pg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	restartMin  = 100 * time.Millisecond
	restartMax  = 5 * time.Second
	steady      = 30 * time.Second // a server that ran this long starts the next backoff from the beginning
	lastWords   = time.Second      // how long children of a dead server may keep its log open
	transiently = 20 * time.Second // how long a first start is repeated while the remains of a killed server fade
)

// supervise runs the server until stop, and starts it again when it dies. It keeps its OS thread: the kernel takes the end
// of that thread for the end of the parent, see deathSignal.
func (c *cluster) supervise() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(c.ended)
	delay, begin := restartMin, time.Now()
	for {
		started := time.Now()
		err := c.runOnce()
		switch {
		case c.isStopping():
			return
		case !c.isReady() && !(c.tail.transient() && time.Since(begin) < transiently):
			c.failed = fmt.Errorf("PostgreSQL does not start: %w\n%s", err, c.tail)
			return
		case c.isReady():
			c.log.Error("PostgreSQL died, starting it again", "error", err, "after", time.Since(started).Round(time.Millisecond),
				"in", delay, "log", c.tail.String())
		}
		if time.Since(started) > steady {
			delay = restartMin
		}
		select {
		case <-time.After(delay):
		case <-c.stopping:
			return
		}
		delay = min(2*delay, restartMax)
	}
}

// runOnce runs the server to its end and says how it ended.
func (c *cluster) runOnce() error {
	c.tail.reset()
	cmd := c.acct.command(context.Background(), c.data, c.bin.program("postgres"), c.args...)
	deathSignal(cmd.SysProcAttr, syscall.SIGQUIT) // a hard shutdown: at once, and the next start recovers from the log
	// A pipe of our own: with one of exec's, Wait would also wait for the server's children, which can outlive it a little.
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = write, write
	err = c.launch(cmd)
	write.Close()
	if err != nil {
		read.Close()
		return err
	}
	followed := make(chan struct{})
	go func() { defer close(followed); c.tail.follow(read, c.log) }()
	err = cmd.Wait()
	select {
	case <-followed: // its last words
	case <-time.After(lastWords):
	}
	c.mu.Lock()
	c.process = nil
	c.mu.Unlock()
	if err == nil {
		err = errors.New("it ended by itself")
	}
	return err
}

// launch starts the server unless it is to stop.
func (c *cluster) launch(cmd *exec.Cmd) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isStopping() {
		return context.Canceled
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	c.process = cmd.Process
	return nil
}

func (c *cluster) isStopping() bool {
	select {
	case <-c.stopping:
		return true
	default:
		return false
	}
}

func (c *cluster) isReady() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ready
}

// stop ends the server: SIGINT (clean: clients are disconnected, a checkpoint is written), after 15 seconds or the end of
// ctx SIGQUIT (hard: no commit is lost, the next start recovers), then SIGKILL.
func (c *cluster) stop(ctx context.Context) error {
	c.mu.Lock()
	close(c.stopping)
	process := c.process
	c.mu.Unlock()
	defer os.RemoveAll(c.socket)
	if process == nil {
		<-c.ended
		return nil
	}
	polite, cancel := context.WithTimeout(ctx, stopPatience)
	defer cancel()
	for _, step := range []struct {
		signal syscall.Signal
		ctx    context.Context
	}{{syscall.SIGINT, polite}, {syscall.SIGQUIT, nil}, {syscall.SIGKILL, nil}} {
		if err := process.Signal(step.signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stopping PostgreSQL: %w", err)
		}
		if step.ctx == nil {
			hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), killPatience)
			defer cancel()
			step.ctx = hard
		}
		select {
		case <-c.ended:
			return nil
		case <-step.ctx.Done():
			c.log.Warn("PostgreSQL does not stop", "signal", step.signal.String())
		}
	}
	return fmt.Errorf("PostgreSQL (process %d) survived SIGKILL", process.Pid)
}

// evict makes sure that no server of an earlier, killed run is left on the data directory. Such a server is usually on its
// way out (deathSignal); where it is not (macOS) it is told to stop. The lock on the state directory is ours, so it serves
// nobody.
func (c *cluster) evict(ctx context.Context) error {
	pidFile := filepath.Join(c.data, "postmaster.pid")
	begin, asked := time.Now(), time.Duration(0)
	for {
		pid, err := readPID(pidFile)
		if err != nil || pid == 0 {
			return err
		}
		alive, ours := c.postmaster(pid)
		switch {
		case !alive:
			return nil // stale; PostgreSQL sees that itself, and checks for orphaned backends besides
		case !ours:
			return disownPID(pidFile)
		case time.Since(begin) > 30*time.Second:
			return fmt.Errorf("a PostgreSQL of an earlier run (process %d) still holds %s and does not stop: end it", pid, c.data)
		case time.Since(begin) > asked:
			signal := syscall.SIGINT
			if asked > 0 {
				signal = syscall.SIGQUIT
			}
			c.log.Warn("stopping the PostgreSQL of an earlier run", "pid", pid, "signal", signal.String())
			if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("stopping the PostgreSQL of an earlier run (process %d): %w", pid, err)
			}
			asked += 10 * time.Second
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// readPID returns the process that postmaster.pid names, 0 without one.
func readPID(pidFile string) (int, error) {
	content, err := os.ReadFile(pidFile)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid <= 0 {
		return 0, nil // cut short by a crash; PostgreSQL says what it thinks of it
	}
	return pid, nil
}

// postmaster reports whether pid is alive, and whether it is a server on our data directory.
func (c *cluster) postmaster(pid int) (alive, ours bool) {
	if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
		return false, false
	}
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil { // no /proc: macOS
		command, err = exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	}
	return err == nil && len(command) > 0, strings.Contains(string(command), "postgres") && strings.Contains(string(command), c.data)
}

// disownPID replaces the process number in postmaster.pid, which the system has meanwhile given to a stranger, by our own.
// PostgreSQL would take the stranger for its predecessor and refuse to start; its own parent it never does. The rest of
// the file stays, since it leads PostgreSQL to the shared memory that orphaned backends may still use.
func disownPID(pidFile string) error {
	content, err := os.ReadFile(pidFile)
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(string(content), "\n")
	return os.WriteFile(pidFile, []byte(strconv.Itoa(os.Getpid())+"\n"+rest), 0o600)
}
