package jobs

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/riverqueue/river/rivertype"
)

func TestRetriesGrowPatient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var total, last time.Duration
		job := &rivertype.JobRow{}
		for range delays {
			wait := retryPolicy{}.NextRetry(job).Sub(time.Now().UTC())
			if wait <= last {
				t.Errorf("after %d failures the wait is %v, before it was %v", len(job.Errors)+1, wait, last)
			}
			last, total = wait, total+wait
			job.Errors = append(job.Errors, rivertype.AttemptError{})
		}
		if total < 20*time.Hour || delays[0] > 5*time.Second {
			t.Errorf("the first wait is %v, all together %v: want a hiccup bridged in seconds, and an outage of most of a day", delays[0], total)
		}
		if wait := (retryPolicy{}).NextRetry(job).Sub(time.Now().UTC()); wait != last {
			t.Errorf("jobs with more attempts of their own wait %v, want %v", wait, last)
		}
	})
}

func TestSparseLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(newSparse(slog.NewTextHandler(&out, nil)))
		log.Info("River client started")
		for range 3 {
			log.Error("away", "n", 1)
			log.With("service", "x").WithGroup("g").Error("away")
			log.Warn("also")
		}
		time.Sleep(repeatAfter) // of the bubble's clock
		log.Error("away")
		text := out.String()
		if strings.Count(text, "away") != 2 || strings.Count(text, "also") != 1 || strings.Contains(text, "started") {
			t.Errorf("log:\n%s", text)
		}
	})
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	got := Config{Timeout: 5 * time.Minute, Rescue: time.Minute}.withDefaults()
	want := Config{Workers: 4, Poll: 500 * time.Millisecond, Timeout: 5 * time.Minute, Drain: 10 * time.Second, Rescue: 10 * time.Minute}
	if got != want {
		t.Errorf("defaults %+v, want %+v", got, want)
	}
}
