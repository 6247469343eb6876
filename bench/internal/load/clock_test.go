package load

import (
	"context"
	"testing"
	"time"
)

func TestSleepersEndWithTheirContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var clock Clock
	begin := clock.Now()
	clock.SleepUntil(ctx, begin.Add(time.Hour))
	if clock.Now().Sub(begin) > time.Minute {
		t.Error("it slept on")
	}
}
