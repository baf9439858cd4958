//go:build !unix

package testkit

import "os/exec"

// detach does nothing: pg.Open refuses these systems anyway.
func detach(*exec.Cmd) {}
