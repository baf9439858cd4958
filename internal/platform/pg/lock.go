//go:build linux || darwin

package pg

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// lockName is the file in the state directory whose flock makes this process the only one on it.
const lockName = "guichet.lock"

// holder is what the lock file tells about the process that holds it.
type holder struct {
	PID       int    `json:"pid"`
	Database  string `json:"database,omitempty"`  // connection string, once PostgreSQL answers
	Serving   string `json:"serving,omitempty"`   // where it serves, once it does
	SocketDir string `json:"socketDir,omitempty"` // removed by the next holder if this one was killed
}

// stateLock is the lock on a state directory, held.
type stateLock struct {
	file     *os.File
	previous holder // what the last holder left; zero if it left cleanly

	mu  sync.Mutex
	now holder
}

// lockState takes the lock on dir, or fails with a *LockedError. The kernel drops the lock when the process dies, however
// it dies; children do not inherit it.
func lockState(dir string) (*stateLock, error) {
	file, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("the state directory belongs to another user: %w; set GUICHET_STATE_DIR to one of this user's", err)
	}
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	content, _ := readHolder(file) // for the message, should another one hold it
	switch err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		file.Close()
		return nil, &LockedError{StateDir: dir, PID: content.PID, Database: content.Database, Serving: content.Serving}
	case err != nil:
		file.Close()
		return nil, fmt.Errorf("locking the state directory %s: %w (does its file system support flock?)", dir, err)
	}
	if content, err = readHolder(file); err != nil {
		content = holder{} // cut short by a crash of the previous holder; nothing in it is needed
	}
	l := &stateLock{file: file, previous: content, now: holder{PID: os.Getpid()}}
	if err := l.write(l.now); err != nil {
		l.release()
		return nil, err
	}
	return l, nil
}

func readHolder(file *os.File) (holder, error) {
	var h holder
	buf := make([]byte, 4096)
	n, _ := file.ReadAt(buf, 0)
	if n == 0 {
		return h, nil
	}
	err := json.Unmarshal(buf[:n], &h)
	return h, err
}

func (l *stateLock) write(h holder) error {
	content, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := l.file.Truncate(0); err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	if _, err := l.file.WriteAt(append(content, '\n'), 0); err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	return nil
}

func (l *stateLock) update(change func(*holder)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.now)
	return l.write(l.now)
}

func (l *stateLock) announce(where string) error {
	return l.update(func(h *holder) { h.Serving = where })
}

// release gives the lock back. The file stays: unlinking a lock file lets two processes lock two files of one name.
func (l *stateLock) release() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := errors.Join(l.file.Truncate(0), l.file.Close())
	l.file = nil
	return err
}
