package options

import (
	"slices"
	"testing"
)

func TestListsReplaceAndAreShownAsTheyAreTaken(t *testing.T) {
	values := []int{1, 2}
	list := List[int]{Into: &values, Parse: Count}
	if err := list.Set("5,7"); err != nil || !slices.Equal(values, []int{5, 7}) || list.String() != "5,7" {
		t.Errorf("%v, %v, %q", err, values, list.String())
	}
	for _, wrong := range []string{"", "0", "1,x"} {
		if list.Set(wrong) == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}

func TestOneOf(t *testing.T) {
	parse := OneOf("a", "b")
	if got, err := parse("b"); err != nil || got != "b" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := parse("c"); err == nil {
		t.Error("c was taken")
	}
}

func TestSizesAreShownAsTheyAreTaken(t *testing.T) {
	for text, want := range map[string]Size{"64": 64, "8k": 8192, "1M": 1 << 20, "1536": 1536} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for want, size := range map[string]Size{"64": 64, "8k": 8192, "1m": 1 << 20, "1000": 1000} {
		if got := size.String(); got != want {
			t.Errorf("%d: %s", int(size), got)
		}
	}
	for _, wrong := range []string{"", "0", "-1", "k", "1g", "9999999999"} {
		if _, err := ParseSize(wrong); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}
