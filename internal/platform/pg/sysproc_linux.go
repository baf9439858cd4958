package pg

import "syscall"

// deathSignal asks the kernel to signal the child when its parent dies, however it dies. The kernel means the parent's
// *thread*: the goroutine that starts the child must hold its thread (runtime.LockOSThread) for as long as the child lives.
func deathSignal(attr *syscall.SysProcAttr, signal syscall.Signal) { attr.Pdeathsig = signal }

// platformSettings are server settings that only this operating system has.
func platformSettings() []string {
	// A backend notices within a second that its client is gone, and stops working for it.
	return []string{"client_connection_check_interval=1s"}
}
