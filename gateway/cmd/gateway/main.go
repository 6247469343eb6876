// Command so-gateway is the front door of the platform: REST and gRPC, each on
// one address, in front of registry, pool, router and scaler.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"serverless-orchestrator/gateway/internal/config"
	"serverless-orchestrator/gateway/internal/gateway"
	"serverless-orchestrator/gateway/internal/logging"
)

// version is set when releases are built (-ldflags "-X main.version=…").
var version = "0.1.0"

// Exit codes.
const (
	exitFailed     = 1
	exitBadSetting = 2
)

func main() {
	tune()
	os.Exit(run())
}

func run() int {
	settings, err := config.Load(os.Args[1:], os.Getenv)
	if errors.Is(err, config.ErrHelp) {
		fmt.Print(config.Help())
		return 0
	}
	if err != nil {
		for problem := range strings.Lines(err.Error()) {
			fmt.Fprintf(os.Stderr, "so-gateway: %s\n", strings.TrimSuffix(problem, "\n"))
		}
		return exitBadSetting
	}

	log := logging.New(os.Stdout, settings.GetLogLevel(), os.Getenv("LOG_FORMAT"))
	g, err := gateway.New(settings, log, version)
	if err == nil {
		err = g.Run(stopSignals())
	}
	if err != nil {
		log.Error("gateway ended", "error", err)
		return exitFailed
	}
	return 0
}

// stopSignals delivers SIGTERM and SIGINT, as often as they come.
func stopSignals() <-chan struct{} {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	stop := make(chan struct{})
	go func() {
		for range signals {
			stop <- struct{}{}
		}
	}()
	return stop
}
