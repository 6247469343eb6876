// Command hello is the compiled function that is measured. By itself it prints
// its answer and ends; where the Lambda Runtime API is, it is a custom runtime's
// bootstrap that gives the same answer to every event.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

const answer = `{"message":"Hello"}`

func main() {
	api := os.Getenv("AWS_LAMBDA_RUNTIME_API")
	if api == "" {
		fmt.Println(answer)
		return
	}
	if err := serve("http://" + api + "/2018-06-01/runtime/invocation/"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(base string) error {
	for {
		next, err := http.Get(base + "next")
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, next.Body)
		next.Body.Close()
		if err != nil {
			return err
		}
		id := next.Header.Get("Lambda-Runtime-Aws-Request-Id")
		reply, err := http.Post(base+id+"/response", "application/json", strings.NewReader(answer))
		if err != nil {
			return err
		}
		reply.Body.Close()
	}
}
