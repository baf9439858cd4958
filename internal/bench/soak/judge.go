package soak

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/guichet-api/guichet/internal/bench/table"
)

// sample is a window of the run.
type sample struct {
	at                   time.Duration
	rate                 float64 // requests a second
	p50, p99, longest    time.Duration
	rss, goroutines, fds float64
	refused, wrong       int // since the start
}

const sampleHead = "    at    req/s   p50 ms   p99 ms   max ms   RSS MiB  goroutines   fds  503s  wrong"

func (s sample) String() string {
	return fmt.Sprintf("%6s %8.0f %8.2f %8.2f %8.0f %9.1f %11.0f %5.0f %5d %6d", s.at.Round(time.Second), s.rate, millis(s.p50),
		millis(s.p99), millis(s.longest), mebi(s.rss), s.goroutines, s.fds, s.refused, s.wrong)
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func mebi(bytes float64) float64     { return bytes / (1 << 20) }

// metric reads one value of a page in Prometheus' text format.
func metric(ctx context.Context, url, name string) (float64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if value, found := strings.CutPrefix(lines.Text(), name+" "); found {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", url, name)
}

// judge prints what must hold and whether it did.
func (s *soak) judge(ctx context.Context) (bool, error) {
	shown := table.Table{Title: "Soak", Columns: []string{"<what", "<measured", "<must", "<verdict"}}
	good := true
	check := func(what, measured, must string, holds bool) {
		verdict := table.Passed
		if !holds {
			verdict, good = table.Missed, false
		}
		shown.Add(what, measured, must, string(verdict))
	}
	grows := func(what string, g growth, of func(sample) float64, shown func(float64) float64, unit string) {
		series := make([]float64, len(s.samples))
		for i, one := range s.samples {
			series[i] = of(one)
		}
		before, after, grew := g.from(series)
		check(what, fmt.Sprintf("%.1f → %.1f%s", shown(before), shown(after), unit), "does not keep growing", !grew)
	}
	same := func(v float64) float64 { return v }
	grows("memory (RSS)", growth{0.2, 16 << 20}, func(one sample) float64 { return one.rss }, mebi, " MiB")
	grows("goroutines", growth{0.1, 16}, func(one sample) float64 { return one.goroutines }, same, "")
	grows("file descriptors", growth{0.1, 16}, func(one sample) float64 { return one.fds }, same, "")

	t := s.traffic
	t.mu.Lock()
	wrong, first, refused, recovery := t.wrong, t.first, t.refused, t.back.Sub(t.killed)
	t.mu.Unlock()
	if refused == 0 {
		recovery = 0
	}
	last := s.samples[len(s.samples)-1]
	check("unexpected answers", fmt.Sprint(wrong), "none", wrong == 0)
	check("database killed", fmt.Sprintf("back after %.2f s, %d requests were told meanwhile", recovery.Seconds(), refused),
		fmt.Sprintf("back within %.0f s", outage.Seconds()), last.rate > 0 && recovery < outage)
	if err := s.checkTickets(ctx, check); err != nil {
		return false, err
	}
	took, err := s.stop()
	if err != nil {
		return false, fmt.Errorf("soak: %w", err)
	}
	check("stop on SIGTERM", fmt.Sprintf("%.2f s", took.Seconds()), fmt.Sprintf("≤ %.0f s", stopping.Seconds()), took <= stopping)
	if first != nil {
		shown.Notes = append(shown.Notes, "the first unexpected answer: "+first.Error())
	}
	return good, shown.Write(s.cfg.Out)
}

// stopping is how long a server may take to end that has no requests.
const stopping = 10 * time.Second

// stop ends the server and says how long it took.
func (s *soak) stop() (time.Duration, error) {
	if err := s.contest.Close(context.Background()); err != nil {
		return 0, err
	}
	s.contest = nil
	start := time.Now()
	err := s.server.Stop()
	return time.Since(start), err
}

// checkTickets compares the tickets in the database with those that players were told of.
func (s *soak) checkTickets(ctx context.Context, check func(what, measured, must string, holds bool)) error {
	url, err := s.databaseURL(ctx)
	if err != nil {
		return fmt.Errorf("soak: %w", err)
	}
	if err := s.contest.Reconnect(ctx, url); err != nil {
		return fmt.Errorf("soak: %w", err)
	}
	stored, err := s.contest.Played(ctx)
	if err != nil {
		return fmt.Errorf("soak: %w", err)
	}
	stored -= s.before
	told := int(s.traffic.acknowledged.Load())
	sent := min(int(s.traffic.played.Load()), len(s.traffic.codes))
	check("tickets", fmt.Sprintf("%d acknowledged, %d stored, %d codes sent", told, stored, sent),
		"acknowledged ≤ stored ≤ sent", told <= stored && stored <= sent && told > 0)
	return nil
}
