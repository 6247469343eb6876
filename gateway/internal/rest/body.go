package rest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	errorv1 "serverless-orchestrator/gateway/gen/serverless/error/v1"
)

const (
	// bodyGrace plus the time for its size is how long a body may take to arrive.
	bodyGrace       = 30 * time.Second
	slowestBodyRate = 128 << 10 // bytes per second
)

// readBody reads the whole body within the limits of size and time of its route.
func readBody(w http.ResponseWriter, r *http.Request, rt *route) ([]byte, *failure) {
	limit := rt.bodyLimit
	if limit == 0 {
		limit = smallLimit
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, newFailure(codeUnsupportedMediaType, "bodies with a Content-Encoding are not accepted")
	}
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	if r.Body == nil || r.ContentLength == 0 {
		return nil, nil
	}

	expected := r.ContentLength
	if expected < 0 {
		expected = limit // chunked: its size is not known
	}
	connection := http.NewResponseController(w)
	allowance := bodyGrace + time.Duration(expected/slowestBodyRate)*time.Second
	// Not every ResponseWriter has deadlines; those of real connections have.
	_ = connection.SetReadDeadline(time.Now().Add(allowance))
	defer func() { _ = connection.SetReadDeadline(time.Time{}) }()

	var body bytes.Buffer
	if r.ContentLength > 0 {
		body.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, limit))
	var exceeded *http.MaxBytesError
	switch {
	case err == nil:
		return body.Bytes(), nil
	case errors.As(err, &exceeded):
		return nil, tooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, newFailure(codeRequestTimeout, "the body did not arrive within %v", allowance)
	default:
		f := newFailure(codeInvalidArgument, "the body could not be read to its end")
		f.cause = err
		return nil, f
	}
}

func tooLarge(limit int64) *failure {
	if limit < 1<<20 {
		return newFailure(codePayloadTooLarge, "the body is larger than %d KiB", limit>>10)
	}
	return newFailure(codePayloadTooLarge, "the body is larger than %d MiB", limit>>20)
}

// checkJSONBody refuses what cannot be a JSON object for the route.
func checkJSONBody(contentType string, body []byte) *failure {
	if len(body) == 0 {
		return nil
	}
	if contentType != "" && !isJSON(contentType) {
		return newFailure(codeUnsupportedMediaType,
			"the body must be JSON: send the header Content-Type: application/json, not %q", contentType)
	}
	return checkJSON(body)
}

func isJSON(contentType string) bool {
	mediaType, _, err := mime.ParseMediaType(contentType)
	return err == nil && (mediaType == "application/json" || strings.HasSuffix(mediaType, "+json"))
}

// queryToBody writes the parameters as the JSON object that they stand for.
func queryToBody(query url.Values, body []byte) ([]byte, *failure) {
	if len(query) == 0 {
		return body, nil
	}
	if len(body) > 0 {
		var problems []*errorv1.FieldProblem
		for name := range query {
			problems = append(problems, &errorv1.FieldProblem{Field: name, Problem: "must be in the query or in the body, not both"})
		}
		return nil, wrongFields(problems)
	}
	var members []string
	for name, values := range query {
		members = append(members, fmt.Sprintf("%q:%q", name, values[0])) // the route allows plain words only
	}
	return []byte("{" + strings.Join(members, ",") + "}"), nil
}

// setBody lets the mux read what has been read and checked.
func setBody(r *http.Request, body []byte) {
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
}
