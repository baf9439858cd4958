package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestLogFormat: text where a person reads, JSON where a program does, and whatever the operator says.
func TestLogFormat(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		format   string
		terminal bool
		json     bool
	}{
		{"", true, false}, {"", false, true}, {"json", true, true}, {"text", false, false},
	} {
		var out bytes.Buffer
		a := &app{console: console{stderr: &out, isTerminal: func(stream any) bool { return c.terminal && stream == &out }}}
		log := a.logger(settings{logFormat: c.format})
		log.Debug("unheard")
		log.Info("heard", "answer", 42)
		var line map[string]any
		isJSON := json.Unmarshal(out.Bytes(), &line) == nil
		if isJSON != c.json || strings.Contains(out.String(), "unheard") || !strings.Contains(out.String(), "heard") {
			t.Errorf("%+v: %s", c, out.String())
		}
		if isJSON && (line["msg"] != "heard" || line["answer"] != 42.0 || line["level"] != "INFO") {
			t.Errorf("%+v: %s", c, out.String())
		}
	}
	const took = 1234567 * time.Nanosecond
	for format, want := range map[string]string{"json": `"took_ms":1.234`, "text": "took=1.235ms"} {
		var out bytes.Buffer
		a := &app{console: console{stderr: &out}}
		if a.logger(settings{logFormat: format}).Info("request", "took", took); !strings.Contains(out.String(), want) {
			t.Errorf("%s: %s", format, out.String())
		}
	}
	var out bytes.Buffer
	a := &app{console: console{stderr: &out, isTerminal: func(any) bool { return false }}}
	a.logger(settings{logLevel: slog.LevelError}).Warn("too quiet")
	if out.Len() != 0 {
		t.Errorf("a warning passes the level error: %s", out.String())
	}
}
