package gateway

import (
	"log/slog"
	"net/http"
	"time"
)

// writeAllowance is added to the longest call, for reading its request and
// writing its answer.
const writeAllowance = 15 * time.Minute

// newHTTPServer sets every limit that net/http has. How long a body may take to
// arrive depends on its route and is set there.
func newHTTPServer(handler http.Handler, longestCall time.Duration, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      longestCall + writeAllowance,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
