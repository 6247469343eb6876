package cold

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"

	"serverless-orchestrator/bench/internal/platform"
)

// hour in milliseconds; no instance is retired while it is measured.
const hour = 3_600_000

// source is the same function in each language: it gives a small answer.
var source = map[string]struct{ handler, code string }{
	"node":   {"index.handler", `exports.handler = async () => ({ message: "Hello" });`},
	"python": {"main.handler", "def handler(event, context):\n    return {\"message\": \"Hello\"}\n"},
	"go": {"Handler", `package main

import "context"

func Handler(ctx context.Context, event map[string]any) (map[string]string, error) {
	return map[string]string{"message": "Hello"}, nil
}
`},
	"rust": {"handler", `pub fn handler(_event: Value, _context: &Context) -> Result<Value, Error> {
    Ok(json!({"message": "Hello"}))
}
`},
}

// hello defines the function in a runtime; of a custom one, `program` is the
// path of the bootstrap.
func hello(runtime, name, program string) (platform.Definition, error) {
	definition := platform.Definition{
		"name": name, "runtime": runtime, "maxInstances": 1000,
		"reuse": "never", "idleTimeout": hour, "maxAge": hour,
	}
	if runtime == "custom" {
		archive, err := bootstrap(program)
		if err != nil {
			return nil, err
		}
		// Bytes are base64 in JSON.
		return definition.With("archive", archive).With("handler", "bootstrap"), nil
	}
	written, known := source[runtime]
	if !known {
		return nil, fmt.Errorf("no hello for the runtime %q", runtime)
	}
	return definition.With("code", written.code).With("handler", written.handler), nil
}

func bootstrap(program string) ([]byte, error) {
	text, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	archive := zip.NewWriter(&packed)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	file, err := archive.CreateHeader(header)
	if err == nil {
		_, err = file.Write(text)
	}
	if err == nil {
		err = archive.Close()
	}
	return packed.Bytes(), err
}
