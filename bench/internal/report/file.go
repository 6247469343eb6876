package report

import (
	"encoding/json"
	"fmt"
	"os"
)

// WriteJSON writes everything, raw samples too.
func WriteJSON(path string, r Results) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// ReadJSON reads what WriteJSON wrote of the same benchmark.
func ReadJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// BenchmarkOf is whose report a file is.
func BenchmarkOf(path string) (string, error) {
	var head struct {
		Benchmark string `json:"benchmark"`
	}
	err := ReadJSON(path, &head)
	return head.Benchmark, err
}
