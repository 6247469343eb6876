// Package logging gives slog the house format, one line per event:
//
//	2026-01-01T12:00:00.000Z info [GATEWAY] message key=value
//
// or, for machines,
//
//	{"ts":"…","level":"info","component":"GATEWAY","msg":"message","key":"value"}
package logging

import (
	"io"
	"log/slog"
	"strings"
	"time"
)

const (
	component  = "GATEWAY"
	timeFormat = "2006-01-02T15:04:05.000Z"
)

// New makes the gateway's logger. `level` is debug, info, warn or error;
// `format` is "json" or anything else for text.
func New(out io.Writer, level, format string) *slog.Logger {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		least = slog.LevelInfo // the configuration has been checked before
	}
	if format == "json" {
		handler := slog.NewJSONHandler(out, &slog.HandlerOptions{Level: least, ReplaceAttr: houseKeys})
		return slog.New(handler).With("component", component)
	}
	return slog.New(newTextHandler(out, least))
}

// houseKeys renames slog's own attributes to those of the other services.
func houseKeys(groups []string, attr slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return attr
	}
	switch attr.Key {
	case slog.TimeKey:
		return slog.String("ts", formatTime(attr.Value.Time()))
	case slog.LevelKey:
		return slog.String("level", strings.ToLower(attr.Value.String()))
	default:
		return attr
	}
}

func formatTime(t time.Time) string { return t.UTC().Format(timeFormat) }
