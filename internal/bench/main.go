package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/guichet-api/guichet/internal/bench/endtoend"
	"github.com/guichet-api/guichet/internal/bench/inprocess"
	"github.com/guichet-api/guichet/internal/bench/soak"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

const usage = `usage: go run . bench [-only handlers|endtoend] [-rounds N]
       go run . soak [-for DURATION]
`

// errMissed is a measurement that misses what it must reach; its table shows where.
var errMissed = errors.New("something that must hold does not: look for " + "MISSED" + " above")

// run is the command: everything that was started has ended when it returns.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return flag.ErrHelp
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(stderr)
	switch args[0] {
	case "bench":
		only := flags.String("only", "", "measure only `handlers` or endtoend")
		rounds := flags.Int("rounds", 5, "interleaved `rounds`; the best of each counts")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		return bench(ctx, *only, *rounds, stdout)
	case "soak":
		length := flags.Duration("for", 3*time.Minute, "how `long`")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		return verdict(soak.Run(ctx, soak.Config{For: *length, Out: stdout}))
	default:
		fmt.Fprint(stderr, usage)
		return flag.ErrHelp
	}
}

// bench runs both benchmarks, or one of them. What the first one misses does not keep the second from running.
func bench(ctx context.Context, only string, rounds int, out io.Writer) error {
	var missed error
	if only != "endtoend" {
		err := verdict(inprocess.Run(ctx, inprocess.Config{Rounds: rounds, Out: out}))
		if err != nil && !errors.Is(err, errMissed) {
			return err
		}
		missed = err
	}
	if only != "handlers" {
		if err := verdict(endtoend.Run(ctx, endtoend.Config{Rounds: rounds, Out: out})); err != nil {
			return err
		}
	}
	return missed
}

func verdict(good bool, err error) error {
	if err == nil && !good {
		return errMissed
	}
	return err
}
