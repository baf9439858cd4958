//go:build !linux && !darwin

package pg

// Held tells which process holds a state directory: none on this operating system, where none is locked.
func Held(string) *LockedError { return nil }
