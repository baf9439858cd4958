//go:build linux || darwin

package pg

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// Held tells which process holds a state directory: nil when none does. It takes nothing and starts nothing; it is for
// messages, since the answer may be old when it arrives.
func Held(stateDir string) *LockedError {
	file, err := os.Open(filepath.Join(stateDir, lockName))
	if err != nil {
		return nil
	}
	defer file.Close() // and with it our lock, if we got one
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); !errors.Is(err, syscall.EWOULDBLOCK) {
		return nil
	}
	content, err := readHolder(file)
	if err != nil {
		content = holder{}
	}
	return &LockedError{StateDir: stateDir, PID: content.PID, Database: content.Database, Serving: content.Serving}
}
