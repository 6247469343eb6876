package gateway

import (
	"context"
	"sync"
	"time"
)

// drain ends both endpoints at the same time.
func (g *Gateway) drain(hurry <-chan struct{}) {
	timeout := g.config.GetDrainTimeout().AsDuration()
	g.log.Info("draining", "timeout", timeout.String())
	g.handler.Drain()
	g.edge.Drain()

	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-done:
		case <-hurry:
			g.log.Warn("hurrying: a second signal came")
			time.AfterFunc(hurriedDrain, cancel)
		}
	}()

	var endpoints sync.WaitGroup
	endpoints.Go(func() {
		if err := g.http.Shutdown(ctx); err != nil {
			g.log.Warn("requests were cut off", "error", err)
			_ = g.http.Close() // nothing more can be done for them
		}
	})
	endpoints.Go(func() { g.edge.Stop(ctx) })
	endpoints.Wait()
	g.log.Info("stopped")
}
