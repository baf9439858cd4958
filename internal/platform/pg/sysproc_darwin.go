package pg

import "syscall"

// deathSignal does nothing: macOS has no such signal. A server whose parent was killed is stopped by the next start.
func deathSignal(*syscall.SysProcAttr, syscall.Signal) {}

// platformSettings are server settings that only this operating system has.
func platformSettings() []string {
	// The default method of macOS leaves commits in the drive's cache.
	return []string{"wal_sync_method=fsync_writethrough"}
}
