// Package options parses what the benchmarks' command lines have in common.
package options

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// List is a flag of values with commas between them.
type List[T any] struct {
	Into  *[]T
	Parse func(string) (T, error)
}

// Set replaces all values.
func (l List[T]) Set(text string) error {
	*l.Into = nil
	for item := range strings.SplitSeq(text, ",") {
		value, err := l.Parse(item)
		if err != nil {
			return fmt.Errorf("%q: %w", item, err)
		}
		*l.Into = append(*l.Into, value)
	}
	return nil
}

func (l List[T]) String() string {
	if l.Into == nil {
		return ""
	}
	var items []string
	for _, item := range *l.Into {
		items = append(items, fmt.Sprint(item))
	}
	return strings.Join(items, ",")
}

// Word is any text.
func Word(text string) (string, error) { return text, nil }

// OneOf is a text out of some.
func OneOf(allowed ...string) func(string) (string, error) {
	return func(text string) (string, error) {
		if !slices.Contains(allowed, text) {
			return "", errors.New("must be one of " + strings.Join(allowed, ", "))
		}
		return text, nil
	}
}

// Count is a number above 0.
func Count(text string) (int, error) {
	value, err := strconv.Atoi(text)
	if err == nil && value < 1 {
		err = errors.New("below 1")
	}
	return value, err
}
