package rest

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"

	errorv1 "serverless-orchestrator/gateway/gen/serverless/error/v1"
)

// typedError is the error as the services know it. The alias keeps the embedded
// field from taking the name of the method Error.
type typedError = errorv1.Error

// failure is an answer that is an error.
type failure struct {
	*typedError
	status int
	// logs is what user code, or a build of it, printed before it failed.
	logs []string
	// allow are the methods that a route has, for 405.
	allow []string
	// requestID is that of the call that failed, when it is an earlier one than
	// the one that is answered; empty otherwise.
	requestID string
	// cause is for our log only.
	cause error
}

func (f *failure) Error() string { return f.GetCode() + ": " + f.GetMessage() }

func (f *failure) Unwrap() error { return f.cause }

func newFailure(code, format string, args ...any) *failure {
	return &failure{
		typedError: &typedError{Code: code, Message: fmt.Sprintf(format, args...)},
		status:     statusOf(code, codes.Internal),
	}
}

// wrongFields names every wrong field, in the message too, for those who read
// nothing else.
func wrongFields(problems []*errorv1.FieldProblem) *failure {
	const most = 50 // as errorv1.Error promises
	problems = problems[:min(len(problems), most)]
	texts := make([]string, 0, len(problems))
	for _, p := range problems {
		texts = append(texts, p.GetField()+" "+p.GetProblem())
	}
	f := newFailure(codeInvalidArgument, "%s", strings.Join(texts, "; "))
	f.Details = problems
	return f
}

// errorBody is the JSON of a failure.
type errorBody struct {
	Error     errorObject `json:"error"`
	RequestID string      `json:"requestId"`
	Logs      []string    `json:"logs,omitempty"`
}

type errorObject struct {
	Code      string         `json:"code"`
	Message   string         `json:"message"`
	Retryable bool           `json:"retryable"`
	Executed  string         `json:"executed,omitempty"`
	Type      string         `json:"type,omitempty"`
	Stack     []string       `json:"stack,omitempty"`
	Details   []fieldProblem `json:"details,omitempty"`
}

type fieldProblem struct {
	Field   string `json:"field"`
	Problem string `json:"problem"`
}

func (f *failure) body(requestID string) errorBody {
	if f.requestID != "" {
		requestID = f.requestID
	}
	body := errorBody{
		Error: errorObject{
			Code:      f.GetCode(),
			Message:   f.GetMessage(),
			Retryable: f.GetRetryable(),
			Executed:  f.GetExecuted(),
			Type:      f.GetFault().GetType(),
			Stack:     f.GetFault().GetStack(),
		},
		RequestID: requestID,
		Logs:      f.logs,
	}
	if body.Error.Message == "" {
		body.Error.Message = f.GetFault().GetMessage()
	}
	for _, p := range f.GetDetails() {
		body.Error.Details = append(body.Error.Details, fieldProblem{p.GetField(), p.GetProblem()})
	}
	return body
}

func (f *failure) write(w http.ResponseWriter, requestID string) {
	if len(f.allow) > 0 {
		w.Header().Set("Allow", strings.Join(f.allow, ", "))
	}
	if f.status == http.StatusTooManyRequests || f.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(retrySeconds(f.GetRetryAfter())))
	}
	writeJSON(w, f.status, f.body(requestID))
}

// retrySeconds rounds up, because HTTP knows whole seconds only; a client that
// comes back early is refused again.
func retrySeconds(seconds float64) int {
	return int(math.Ceil(min(max(seconds, 1), 3600)))
}

// writeJSON answers with a value that always has a JSON form.
func writeJSON(w http.ResponseWriter, status int, value any) {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Errorf("encoding an answer: %w", err))
	}
	writeBytes(w, status, "application/json", []byte(strings.TrimSuffix(text.String(), "\n")))
}

func writeBytes(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone; there is nobody to tell
}
