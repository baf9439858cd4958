package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/guichet-api/guichet/internal/bench/dispatch"
	"github.com/guichet-api/guichet/internal/bench/endtoend"
	"github.com/guichet-api/guichet/internal/bench/fanout"
	"github.com/guichet-api/guichet/internal/bench/inprocess"
	"github.com/guichet-api/guichet/internal/bench/soak"
	"github.com/guichet-api/guichet/internal/bench/socketio"
	"github.com/guichet-api/guichet/internal/bench/table"
	"github.com/guichet-api/guichet/internal/bench/tchatator"
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

const usage = `usage: go run . bench [-only handlers|dispatch|fanout|socketio|endtoend|chat] [-rounds N]
       go run . soak [-for DURATION]
`

// The parts of bench, in their order.
const (
	partHandlers = "handlers"
	partDispatch = "dispatch"
	partFanout   = "fanout"
	partSocketIO = "socketio"
	partEndToEnd = "endtoend"
	partChat     = "chat"
)

var parts = []string{partHandlers, partDispatch, partFanout, partSocketIO, partEndToEnd, partChat}

// errMissed is a measurement that misses what it must reach; its table shows where.
var errMissed = errors.New("something that must hold does not: look for " + string(table.Missed) + " above")

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
		only := flags.String("only", "", "measure one part, `handlers, dispatch, fanout, socketio, endtoend or chat`")
		rounds := flags.Int("rounds", 5, "`how many` interleaved rounds; the best counts")
		if err := parse(flags, args[1:]); err != nil {
			return err
		}
		if *only != "" && !slices.Contains(parts, *only) || *rounds < 1 {
			return fmt.Errorf("-only %s -rounds %d: there are the parts %s, and at least one round", *only, *rounds, strings.Join(parts, ", "))
		}
		return bench(ctx, *only, *rounds, stdout)
	case "soak":
		length := flags.Duration("for", 3*time.Minute, "`how long`")
		if err := parse(flags, args[1:]); err != nil {
			return err
		}
		return verdict(soak.Run(ctx, soak.Config{For: *length, Out: stdout}))
	case fanout.Command: // by fanout.Run
		if len(args) != 3 {
			return flag.ErrHelp
		}
		return fanout.Serve(ctx, args[1], args[2])
	case socketio.Command: // by socketio.Run
		if len(args) != 2 {
			return flag.ErrHelp
		}
		return socketio.Serve(ctx, args[1])
	case tchatator.FloorCommand: // by tchatator.Run
		if len(args) != 2 {
			return flag.ErrHelp
		}
		return tchatator.Floor(ctx, args[1], os.Stdin, stdout)
	default:
		fmt.Fprint(stderr, usage)
		return flag.ErrHelp
	}
}

// parse reads the flags of a command that takes nothing else.
func parse(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%s takes no argument %q", flags.Name(), flags.Arg(0))
	}
	return nil
}

// bench runs the benchmarks, or one of them. What one misses does not keep the next from running.
func bench(ctx context.Context, only string, rounds int, out io.Writer) error {
	var missed error
	for _, part := range parts {
		if only != "" && only != part {
			continue
		}
		var err error
		switch part {
		case partHandlers:
			err = verdict(inprocess.Run(ctx, inprocess.Config{Rounds: rounds, Out: out}))
		case partDispatch:
			err = verdict(dispatch.Run(ctx, dispatch.Config{Rounds: rounds, Out: out}))
		case partFanout:
			err = verdict(fanout.Run(ctx, fanout.Config{Rounds: rounds, Out: out}))
		case partSocketIO:
			err = verdict(socketio.Run(ctx, socketio.Config{Rounds: rounds, Out: out}))
		case partEndToEnd:
			err = verdict(endtoend.Run(ctx, endtoend.Config{Rounds: rounds, Out: out}))
		case partChat:
			err = verdict(tchatator.Run(ctx, tchatator.Config{Rounds: rounds, Out: out}))
		}
		if err != nil && !errors.Is(err, errMissed) {
			return err
		}
		if err != nil {
			missed = err
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
