package logging

import (
	"bytes"
	"encoding/json"
	"regexp"
	"testing"
)

func TestTextLine(t *testing.T) {
	var out bytes.Buffer
	log := New(&out, "info", "")
	log.Debug("not this")
	log.With("service", "pool").Warn("cannot reach it", "error", "no\nroute", "tries", 3)

	want := regexp.MustCompile(
		`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warn \[GATEWAY\] cannot reach it service=pool error="no\\nroute" tries=3\n$`)
	if !want.MatchString(out.String()) {
		t.Errorf("line = %q", out.String())
	}
}

func TestJSONLine(t *testing.T) {
	var out bytes.Buffer
	New(&out, "debug", "json").Debug("hello", "status", 200)

	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"level": "debug", "component": "GATEWAY", "msg": "hello", "status": 200.0} {
		if line[key] != want {
			t.Errorf("%s = %v, want %v", key, line[key], want)
		}
	}
	if ts, _ := line["ts"].(string); len(ts) != len(timeFormat) {
		t.Errorf("ts = %v", line["ts"])
	}
}
