package load

import (
	"context"
	"testing"
	"time"
)

func TestSleepersAreNotWokenBeforeTheirTime(t *testing.T) {
	var clock Clock
	when := clock.Now().Add(2 * time.Millisecond)
	clock.SleepUntil(context.Background(), when)
	if clock.Now().Before(when) {
		t.Error("too early")
	}
}

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
