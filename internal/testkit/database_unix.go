//go:build unix

package testkit

import (
	"os/exec"
	"syscall"
)

// detach puts a command into a process group of its own, where Ctrl-C does not reach it.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
