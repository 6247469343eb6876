package load

import (
	"fmt"
	"strconv"
)

// Event is what is sent. Each call has a number of its own in it, so that an
// answer that belongs to another call is found out.
type Event struct {
	Text []byte
	// Where in Text the NumberWidth digits of the number are.
	NumberAt int
}

// NumberWidth is how many digits a number has.
const NumberWidth = 16

// Numbers gives calls their numbers.
type Numbers struct{ next uint64 }

// NumbersOf are those of one of at most 100000 callers; no two have one in common.
func NumbersOf(caller int) Numbers { return Numbers{uint64(caller) * 1e11} }

// Stamp writes the next number over NumberWidth bytes.
func (n *Numbers) Stamp(place []byte) {
	n.next++
	var digits [20]byte
	text := strconv.AppendUint(digits[:0], n.next, 10)
	for i := range place {
		place[i] = '0'
	}
	copy(place[len(place)-len(text):], text)
}

// Check judges an answer to the call with this number; `status` is that of HTTP.
type Check func(number []byte, status int, body []byte) string

// NewEvent is a JSON object of exactly so many bytes, with its fields in the
// order in which every language writes them.
func NewEvent(size int) (Event, error) {
	const before, between, after = `{"id":"`, `","pad":"`, `"}`
	least := len(before) + NumberWidth + len(between) + len(after)
	if size < least {
		return Event{}, fmt.Errorf("an event has at least %d bytes", least)
	}
	text := make([]byte, 0, size)
	text = append(text, before...)
	text = append(text, "0000000000000000"...)
	text = append(text, between...)
	for i := range size - least {
		text = append(text, 'a'+byte(i%26))
	}
	return Event{append(text, after...), len(before)}, nil
}

// Clone shares nothing with the event.
func (e Event) Clone() Event { return Event{append([]byte(nil), e.Text...), e.NumberAt} }

// Number is that part of the text.
func (e Event) Number() []byte { return e.Text[e.NumberAt : e.NumberAt+NumberWidth] }
