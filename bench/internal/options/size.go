package options

import (
	"fmt"
	"strconv"
	"strings"
)

// Size in bytes, that may be written with a unit: 64, 8k, 1m.
type Size int

var units = []struct {
	letter string
	bytes  int
}{{"m", 1 << 20}, {"k", 1 << 10}, {"", 1}}

// ParseSize reads one.
func ParseSize(text string) (Size, error) {
	for _, unit := range units {
		digits, found := strings.CutSuffix(strings.ToLower(text), unit.letter)
		if !found {
			continue
		}
		value, err := strconv.Atoi(digits)
		if err != nil || value < 1 || value > 1<<30 {
			return 0, fmt.Errorf("a size is a number of bytes, as 64, 8k or 1m")
		}
		return Size(value * unit.bytes), nil
	}
	return 0, nil // The empty unit fits everything.
}

// String is what ParseSize takes.
func (s Size) String() string {
	for _, unit := range units {
		if int(s)%unit.bytes == 0 {
			return strconv.Itoa(int(s)/unit.bytes) + unit.letter
		}
	}
	return strconv.Itoa(int(s))
}

// Set makes it a flag.
func (s *Size) Set(text string) (err error) {
	*s, err = ParseSize(text)
	return err
}
