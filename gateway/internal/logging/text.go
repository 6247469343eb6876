package logging

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
)

// textHandler writes the human form. A line is one Write, so that lines of
// concurrent requests do not mix.
type textHandler struct {
	level  slog.Level
	fixed  string // attributes of With, already formatted
	prefix string // of WithGroup

	mu  *sync.Mutex
	out io.Writer
}

func newTextHandler(out io.Writer, level slog.Level) *textHandler {
	return &textHandler{level: level, mu: &sync.Mutex{}, out: out}
}

func (h *textHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

func (h *textHandler) Handle(_ context.Context, record slog.Record) error {
	var line strings.Builder
	line.WriteString(formatTime(record.Time))
	line.WriteByte(' ')
	line.WriteString(strings.ToLower(record.Level.String()))
	line.WriteString(" [" + component + "] ")
	line.WriteString(record.Message)
	line.WriteString(h.fixed)
	record.Attrs(func(attr slog.Attr) bool {
		appendAttr(&line, h.prefix, attr)
		return true
	})
	line.WriteByte('\n')

	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.out, line.String())
	return err
}

func (h *textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var fixed strings.Builder
	fixed.WriteString(h.fixed)
	for _, attr := range attrs {
		appendAttr(&fixed, h.prefix, attr)
	}
	next := *h
	next.fixed = fixed.String()
	return &next
}

func (h *textHandler) WithGroup(name string) slog.Handler {
	next := *h
	next.prefix += name + "."
	return &next
}

func appendAttr(line *strings.Builder, prefix string, attr slog.Attr) {
	value := attr.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		for _, member := range value.Group() {
			appendAttr(line, prefix+attr.Key+".", member)
		}
		return
	}
	text := value.String()
	line.WriteString(" " + prefix + attr.Key + "=")
	if isPlainWord(text) {
		line.WriteString(text)
	} else {
		line.WriteString(strconv.Quote(text))
	}
}

// isPlainWord tells what needs no quotes. Everything else is quoted, which also
// keeps line breaks of foreign text from forging log lines.
func isPlainWord(text string) bool {
	return text != "" && strings.IndexFunc(text, func(r rune) bool {
		return r <= ' ' || r > '~' || r == '"' || r == '=' || r == '\\'
	}) < 0
}
