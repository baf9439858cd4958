package main

import (
	"errors"
	"flag"
	"io"
	"strings"
	"testing"
)

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"nothing": nil, "an unknown command": {"race"}, "help": {"soak", "-h"}} {
		var told strings.Builder
		if err := run(t.Context(), args, io.Discard, &told); !errors.Is(err, flag.ErrHelp) || told.Len() == 0 {
			t.Errorf("%s: %v, told %q", name, err, told.String())
		}
	}
	for name, args := range map[string][]string{
		"part": {"bench", "-only", "handler"}, "length": {"soak", "-for", "1s"}, "flag": {"bench", "-x"}, "argument": {"soak", "9m"},
	} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil || errors.Is(err, errMissed) {
			t.Errorf("a wrong %s is %v", name, err)
		}
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	if err := verdict(true, nil); err != nil {
		t.Errorf("a good run is %v", err)
	}
	if err := verdict(false, nil); !errors.Is(err, errMissed) {
		t.Errorf("a miss is %v", err)
	}
	if err := verdict(false, broken); !errors.Is(err, broken) {
		t.Errorf("a failure is %v", err)
	}
}
