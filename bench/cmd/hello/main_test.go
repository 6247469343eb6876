package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestBootstrapAnswersEachEvent(t *testing.T) {
	var answers []string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if strings.HasSuffix(request.URL.Path, "/next") {
			if len(answers) == 2 {
				panic(http.ErrAbortHandler) // The end.
			}
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "id")
			return
		}
		body, _ := io.ReadAll(request.Body)
		answers = append(answers, request.URL.Path+" "+string(body))
	}))
	defer api.Close()
	if err := serve(api.URL + "/"); err == nil {
		t.Error("it ended without a reason")
	}
	if len(answers) != 2 || answers[0] != "/id/response "+answer {
		t.Errorf("got %q", answers)
	}
}
