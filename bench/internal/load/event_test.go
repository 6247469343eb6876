package load

import (
	"encoding/json"
	"testing"
)

func TestEventsHaveTheirSizeAndAreJSON(t *testing.T) {
	for _, size := range []int{64, 8 << 10, 1 << 20} {
		event, err := NewEvent(size)
		if err != nil || len(event.Text) != size || !json.Valid(event.Text) {
			t.Fatalf("%d: %v", size, err)
		}
		numbers := NumbersOf(3)
		numbers.Stamp(event.Number())
		var read struct{ ID, Pad string }
		if err := json.Unmarshal(event.Text, &read); err != nil || read.ID != "0000300000000001" {
			t.Errorf("%d: %+v, %v", size, read.ID, err)
		}
	}
	if _, err := NewEvent(20); err == nil {
		t.Error("an event of 20 bytes was made")
	}
}

func TestNumbersOfCallersDiffer(t *testing.T) {
	seen := map[string]bool{}
	for caller := range 100 {
		numbers := NumbersOf(caller)
		for range 100 {
			place := make([]byte, NumberWidth)
			numbers.Stamp(place)
			seen[string(place)] = true
		}
	}
	if len(seen) != 10000 {
		t.Errorf("%d numbers", len(seen))
	}
}
