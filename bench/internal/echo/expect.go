package echo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"

	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"

	"serverless-orchestrator/bench/internal/load"
)

// Expectation is how an event looks when it comes back: languages put blanks
// into JSON, or not.
type Expectation struct{ before, after []byte }

// Learn takes the first answer to an event. It has to be the same JSON; from
// then on all answers have to be the same text, but for the number.
func Learn(event load.Event, answer []byte) (*Expectation, error) {
	var sent, got any
	if err := json.Unmarshal(event.Text, &sent); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return nil, fmt.Errorf("the answer is not JSON: %w", err)
	}
	if !reflect.DeepEqual(sent, got) {
		return nil, errors.New("the answer is not the event")
	}
	number := event.Number()
	if bytes.Count(answer, number) != 1 {
		return nil, errors.New("the number of the call is not found in the answer")
	}
	at := bytes.Index(answer, number)
	return &Expectation{bytes.Clone(answer[:at]), bytes.Clone(answer[at+len(number):])}, nil
}

// cut returns what follows the right answer at the beginning of a text.
func (e *Expectation) cut(number, text []byte) ([]byte, bool) {
	text, begins := bytes.CutPrefix(text, e.before)
	text, numbered := bytes.CutPrefix(text, number)
	text, ends := bytes.CutPrefix(text, e.after)
	return text, begins && numbered && ends
}

func (e *Expectation) is(number, text []byte) bool {
	rest, right := e.cut(number, text)
	return right && len(rest) == 0
}

// Plain checks answers that are nothing but the event.
func (e *Expectation) Plain(number []byte, status int, body []byte) string {
	switch {
	case status != http.StatusOK:
		return fmt.Sprintf("HTTP %d", status)
	case !e.is(number, body):
		return load.Wrong
	}
	return load.OK
}

// The texts of a receipt around what the function returned.
var (
	beforeBody = []byte(`,"statusCode":200,"body":`)
	afterBody  = []byte(`,"headers":{`)
	isCold     = []byte(`"coldStart": true`)
	isWarm     = []byte(`"coldStart":false`)
)

// REST checks answers of the platform, without parsing them: that would cost
// the driver more than the call.
func (e *Expectation) REST(number []byte, status int, body []byte) string {
	if status != http.StatusOK {
		return codeOf(status, body)
	}
	_, text, found := bytes.Cut(body, beforeBody)
	rest, right := e.cut(number, text)
	switch {
	case !found || !right || !bytes.HasPrefix(rest, afterBody):
		return load.Wrong
	case bytes.Contains(rest, isWarm):
		return load.OK
	case bytes.Contains(rest, isCold):
		return load.Cold
	}
	return load.Wrong
}

// GRPC checks receipts.
func (e *Expectation) GRPC(number []byte, receipt *routerv1.InvokeResponse) string {
	switch {
	case receipt.GetStatusCode() != http.StatusOK || !e.is(number, receipt.GetBody()):
		return load.Wrong
	case receipt.GetColdStart():
		return load.Cold
	}
	return load.OK
}

// codeOf is the code of an error in the platform's shape.
func codeOf(status int, body []byte) string {
	var answer struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Error.Code == "" {
		return fmt.Sprintf("HTTP %d", status)
	}
	return answer.Error.Code
}
