package rest

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestRequestIDsOfClients(t *testing.T) {
	a := newAPI(t)
	for _, id := range []string{"a", "A-b_c.d:e", strings.Repeat("x", 128)} {
		if got := a.send("GET", "/health/live", "", requestIDHeader, id).Header().Get(requestIDHeader); got != id {
			t.Errorf("id %q became %q", id, got)
		}
	}
	for _, id := range []string{"", "two words", "ü", strings.Repeat("x", 129), "a\"b"} {
		body := failed(t, a.send("GET", "/health/live", "", requestIDHeader, id), 400, codeInvalidArgument)
		if !strings.Contains(body.Error.Message, requestIDHeader) {
			t.Errorf("message = %q", body.Error.Message)
		}
	}
	failed(t, a.send("GET", "/health/live", "", requestIDHeader, "a", requestIDHeader, "b"), 400, codeInvalidArgument)
}

func TestNewRequestIDsHaveOneForm(t *testing.T) {
	form := regexp.MustCompile(`^req-\d{13}-[0-9a-z]{6}$`)
	seen := map[string]bool{}
	for range 1000 {
		id := newRequestID(time.Now())
		if !form.MatchString(id) || seen[id] {
			t.Fatalf("id = %q", id)
		}
		seen[id] = true
	}
	if id := newRequestID(time.UnixMilli(5)); !strings.HasPrefix(id, "req-0000000000005-") {
		t.Errorf("id = %q", id)
	}
}
