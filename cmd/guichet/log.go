package main

import (
	"log/slog"

	"github.com/guichet-api/guichet/internal/platform/web"
)

// logger writes to standard error: text where a person reads it, JSON where a program does. Records of a request carry its
// id.
func (a *app) logger(s settings) *slog.Logger {
	options := &slog.HandlerOptions{Level: s.logLevel}
	text := s.logFormat == "text" || s.logFormat == "" && a.isTerminal(a.stderr)
	var handler slog.Handler = slog.NewJSONHandler(a.stderr, options)
	if text {
		options.ReplaceAttr = shortTime
		handler = slog.NewTextHandler(a.stderr, options)
	}
	return slog.New(web.WithRequestID(handler))
}

// shortTime leaves the date out of a line that is read as it appears.
func shortTime(groups []string, attr slog.Attr) slog.Attr {
	if attr.Key == slog.TimeKey && len(groups) == 0 {
		return slog.String(slog.TimeKey, attr.Value.Time().Format("15:04:05.000"))
	}
	return attr
}
