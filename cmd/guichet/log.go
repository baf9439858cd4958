package main

import (
	"log/slog"
	"time"

	"github.com/guichet-api/guichet/internal/platform/web"
)

// logger writes to standard error: text where a person reads it, JSON where a program does. Records of a request carry its
// id.
func (a *app) logger(s settings) *slog.Logger {
	options := &slog.HandlerOptions{Level: s.logLevel, ReplaceAttr: milliseconds}
	text := s.logFormat == "text" || s.logFormat == "" && a.isTerminal(a.stderr)
	var handler slog.Handler = slog.NewJSONHandler(a.stderr, options)
	if text {
		options.ReplaceAttr = short
		handler = slog.NewTextHandler(a.stderr, options)
	}
	return slog.New(web.WithRequestID(handler))
}

// milliseconds gives durations a unit, in the name, where slog would write bare nanoseconds: "took_ms":1.234.
func milliseconds(_ []string, attr slog.Attr) slog.Attr {
	if attr.Value.Kind() == slog.KindDuration {
		return slog.Float64(attr.Key+"_ms", float64(attr.Value.Duration().Microseconds())/1000)
	}
	return attr
}

// short leaves out what nobody needs of a line that is read as it appears: the date, and fractions of a microsecond.
func short(groups []string, attr slog.Attr) slog.Attr {
	switch {
	case attr.Key == slog.TimeKey && len(groups) == 0:
		return slog.String(slog.TimeKey, attr.Value.Time().Format("15:04:05.000"))
	case attr.Value.Kind() == slog.KindDuration:
		return slog.Duration(attr.Key, attr.Value.Duration().Round(time.Microsecond))
	}
	return attr
}
