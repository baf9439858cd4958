package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/guichet-api/guichet/internal/tiptop"
)

// tiptopCodesIssue is `guichet tiptop codes issue`.
type tiptopCodesIssue struct {
	Count int    `placeholder:"N" help:"How many codes to issue."`
	Demo  bool   `help:"Issue as many codes as the demo data has, 1000, unless --count says otherwise: a code plays only once."`
	Out   string `placeholder:"FILE" help:"Write the CSV into this new file, readable by you alone, instead of to standard output."`
}

// Help is shown below the command's usage.
func (tiptopCodesIssue) Help() string {
	return `Codes are as good as the prizes they win: nothing keeps a list of them but what this command writes. Should it be
interrupted, the codes written so far are issued and valid.

Examples:

    guichet tiptop codes issue --count 500000 --out codes.csv
    guichet tiptop codes issue --demo | head`
}

// How many codes may be issued at a time, and come with --demo.
const (
	maxCodes  = 10_000_000
	demoCodes = 1000
)

// Run issues the codes.
func (c tiptopCodesIssue) Run(ctx context.Context, a *app) (err error) {
	if c.Count == 0 && c.Demo {
		c.Count = demoCodes
	}
	if c.Count < 1 || c.Count > maxCodes {
		return &usageError{fmt.Errorf("--count must be a number from 1 to %d", maxCodes)}
	}
	out, finish, err := a.codesFile(c.Out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, finish()) }()
	list := csv.NewWriter(out)
	if err := list.Write([]string{"code"}); err != nil {
		return err
	}
	return a.withTiptop(ctx, func(op tiptop.Operator) error {
		p := newProgress(a.console, "codes issued", c.Count)
		err := op.IssueCodes(ctx, c.Count, func(codes []string) error {
			for _, code := range codes {
				if err := list.Write([]string{code}); err != nil {
					return err
				}
			}
			list.Flush() // what is issued is written, whatever comes next
			p.add(len(codes))
			return list.Error()
		})
		p.end()
		return err
	})
}

// codesFile opens where codes are written to; finish makes sure that they are there.
func (a *app) codesFile(path string) (out io.Writer, finish func() error, err error) {
	if path == "" {
		buffered := bufio.NewWriter(a.stdout)
		return buffered, buffered.Flush, nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, nil, fmt.Errorf("%s exists already: codes are not written over it, choose another name", path)
	}
	if err != nil {
		return nil, nil, err
	}
	return file, func() error { return errors.Join(file.Sync(), file.Close()) }, nil
}

// progress tells how far a long command is: on one line of a terminal, else as a line now and then.
type progress struct {
	out      io.Writer
	terminal bool
	what     string
	total    int
	done     int
	begun    time.Time
	told     time.Time
}

// How often progress is told.
const (
	terminalPeriod = 100 * time.Millisecond
	linePeriod     = 5 * time.Second
)

func newProgress(con console, what string, total int) *progress {
	now := time.Now()
	return &progress{out: con.stderr, terminal: con.isTerminal(con.stderr), what: what, total: total, begun: now, told: now}
}

// add counts n more.
func (p *progress) add(n int) {
	p.done += n
	period := linePeriod
	if p.terminal {
		period = terminalPeriod
	}
	if time.Since(p.told) >= period && p.done < p.total {
		p.told = time.Now()
		p.tell()
	}
}

func (p *progress) tell() {
	before, after := "", "\n"
	if p.terminal {
		before, after = "\r", ""
	}
	fmt.Fprintf(p.out, "%s%d of %d %s (%d%%)%s", before, p.done, p.total, p.what, p.done*100/p.total, after)
}

// end tells how far it came and how long that took.
func (p *progress) end() {
	before := ""
	if p.terminal {
		before = "\r\x1b[K"
	}
	fmt.Fprintf(p.out, "%s%d of %d %s in %.1f s\n", before, p.done, p.total, p.what, time.Since(p.begun).Seconds())
}
