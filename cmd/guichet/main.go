// Command guichet serves backends from their contracts, and looks after their data. `guichet --help` tells how.
//
// This package is the wiring: it alone reads the environment and the command line, makes everything by plain constructor
// calls and hands it down. A system is one entry of the table in systems.go and one file that builds it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/guichet-api/guichet/internal/platform/config"
)

// What the process exits with.
const (
	exitOK      = 0
	exitFailure = 1 // something outside did not work: the message says what to do
	exitUsage   = 2 // the command line or the environment is wrong
)

// gcPercent is Go's GOGC unless the operator sets it: a server whose live heap is a few megabytes would otherwise spend a
// fifth of its time on collecting the little that each request leaves.
const gcPercent = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends the work in good order. From then on signals do what they do by default: a second one ends the
	// process at once, and the embedded database with it; no commit is lost.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Environ(), systemConsole()))
}

// run is the program: it returns what the process exits with.
func run(ctx context.Context, args, environ []string, con console) int {
	a := &app{environ: environ, console: con, systems: systemTable()}
	err := a.run(ctx, args)
	switch {
	case err == nil || errors.Is(err, errHelp):
		return exitOK
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(con.stderr, "guichet: interrupted")
		return exitFailure
	}
	fmt.Fprintf(con.stderr, "guichet: %v\n", err)
	var usage *usageError
	var wrong *config.Error
	if errors.As(err, &usage) || errors.As(err, &wrong) {
		return exitUsage
	}
	return exitFailure
}

// orInterrupted is err, unless the command was told to end: then whatever it met was a consequence.
func orInterrupted(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// usageError is a mistake on the command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// app is what every command works with.
type app struct {
	console
	environ []string
	systems []system
}

// run parses the command line and runs the command.
func (a *app) run(ctx context.Context, args []string) error {
	var g grammar
	parser, err := newParser(&g, a.systems, a.stdout, a.stderr)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		if _, err := parser.Parse([]string{"--help"}); !errors.Is(err, errHelp) {
			return err
		}
		return &usageError{errors.New("a command is missing")}
	}
	command, err := parser.Parse(args)
	if errors.Is(err, errHelp) {
		return errHelp
	}
	if err != nil {
		return &usageError{fmt.Errorf("%w\nrun \"guichet%s --help\" for how it is used", err, selected(err))}
	}
	command.BindTo(ctx, (*context.Context)(nil))
	return command.Run(a)
}

// selected is the command that a parse failed in, with a space before it, or "".
func selected(err error) string {
	var parse *kong.ParseError
	if !errors.As(err, &parse) || parse.Context == nil || parse.Context.Selected() == nil {
		return ""
	}
	return " " + parse.Context.Selected().Path()
}

// settings reads the environment.
func (a *app) settings() (settings, error) { return readSettings(a.environ, a.systems) }

// console is the terminal, or what stands in for it.
type console struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	isTerminal     func(stream any) bool           // whether a person is at the other end
	readSecret     func(io.Reader) ([]byte, error) // a line typed without echo; only where stdin is a terminal
}
