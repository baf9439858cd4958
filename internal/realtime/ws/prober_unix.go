//go:build unix && !linux

package ws

import "syscall"

// writeNow is write(2) on a socket that does not block.
func writeNow(fd uintptr, bytes []byte) (int, error) { return syscall.Write(int(fd), bytes) }
