package echo

import (
	"fmt"
	"slices"
	"time"

	"serverless-orchestrator/bench/internal/platform"
)

// Runtimes that there is an echo in.
var Runtimes = []string{"node", "python", "go", "rust"}

// Source of the function in a language.
type Source struct{ Handler, Code string }

// %d is how many milliseconds it waits first, without using a processor, as
// functions wait for a database.
var sources = map[string]Source{
	"node": {"index.handler", `const wait = %d;
exports.handler = async (event) => {
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  return event;
};
`},
	"python": {"main.handler", `import time

WAIT = %d


def handler(event, context):
    if WAIT > 0:
        time.sleep(WAIT / 1000)
    return event
`},
	"go": {"Handler", `package main

import (
	"context"
	"time"
)

const wait = %d * time.Millisecond

func Handler(ctx context.Context, event map[string]any) (map[string]any, error) {
	time.Sleep(wait)
	return event, nil
}
`},
	"rust": {"handler", `const WAIT: u64 = %d;

pub fn handler(event: Value, _context: &Context) -> Result<Value, Error> {
    if WAIT > 0 {
        std::thread::sleep(std::time::Duration::from_millis(WAIT));
    }
    Ok(event)
}
`},
}

// SourceOf is the code in a language, which waits for a time of whole
// milliseconds before it answers.
func SourceOf(runtime string, wait time.Duration) (Source, error) {
	source, known := sources[runtime]
	if !known {
		return Source{}, fmt.Errorf("no echo in the runtime %q, only in %v", runtime, Runtimes)
	}
	return Source{source.Handler, fmt.Sprintf(source.Code, wait.Milliseconds())}, nil
}

// Known finds runtimes without an echo.
func Known(runtimes []string) error {
	for _, runtime := range runtimes {
		if !slices.Contains(Runtimes, runtime) {
			return fmt.Errorf("no echo in the runtime %q, only in %v", runtime, Runtimes)
		}
	}
	return nil
}

// Definition of the function for the platform.
func Definition(runtime, name string, wait time.Duration) (platform.Definition, error) {
	source, err := SourceOf(runtime, wait)
	if err != nil {
		return nil, err
	}
	return platform.Definition{"name": name, "runtime": runtime, "handler": source.Handler, "code": source.Code}, nil
}
