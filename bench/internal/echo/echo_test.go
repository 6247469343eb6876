package echo

import (
	"strings"
	"testing"
	"time"

	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"

	"serverless-orchestrator/bench/internal/load"
)

const number, other = "0000000000000007", "0000000000000008"

func event(t *testing.T) load.Event {
	t.Helper()
	made, err := load.NewEvent(64)
	if err != nil {
		t.Fatal(err)
	}
	copy(made.Number(), number)
	return made
}

// spaced is how python writes it.
func spaced(e load.Event) string {
	return strings.NewReplacer(`":`, `": `, `,"`, `, "`).Replace(string(e.Text))
}

func learned(t *testing.T) (*Expectation, string) {
	t.Helper()
	answer := spaced(event(t))
	expectation, err := Learn(event(t), []byte(answer))
	if err != nil {
		t.Fatal(err)
	}
	return expectation, answer
}

func TestOnlyTheEventIsLearned(t *testing.T) {
	for _, wrong := range []string{"", "{}", `"text"`, strings.Replace(string(event(t).Text), "abc", "abd", 1)} {
		if _, err := Learn(event(t), []byte(wrong)); err == nil {
			t.Errorf("%q was learned", wrong)
		}
	}
}

func TestPlainAnswers(t *testing.T) {
	expectation, answer := learned(t)
	for _, c := range []struct {
		number, body string
		status       int
		want         string
	}{
		{number, answer, 200, load.OK},
		{other, strings.Replace(answer, number, other, 1), 200, load.OK},
		{other, answer, 200, load.Wrong},
		{number, answer + " ", 200, load.Wrong},
		{number, answer[1:], 200, load.Wrong},
		{number, string(event(t).Text), 200, load.Wrong},
		{number, answer, 503, "HTTP 503"},
	} {
		if got := expectation.Plain([]byte(c.number), c.status, []byte(c.body)); got != c.want {
			t.Errorf("%+v: got %s", c, got)
		}
	}
}

func receipt(body, cold string) string {
	return `{"requestId":"req-1","statusCode":200,"body":` + body + `,"headers":{},"logs":["[END] Request req-1"],` +
		`"duration":     0.288,"coldStart":` + cold + `,"functionId":"fn-1"}`
}

func TestReceipts(t *testing.T) {
	expectation, answer := learned(t)
	for _, c := range []struct {
		number, body string
		status       int
		want         string
	}{
		{number, receipt(answer, "false"), 200, load.OK},
		{number, receipt(answer, " true"), 200, load.Cold},
		{other, receipt(answer, "false"), 200, load.Wrong},
		{number, receipt(answer+"x", "false"), 200, load.Wrong},
		{number, receipt("null", "false"), 200, load.Wrong},
		{number, receipt(answer, "null"), 200, load.Wrong},
		{number, strings.Replace(receipt(answer, "false"), "200", "500", 1), 200, load.Wrong},
		{number, "", 200, load.Wrong},
		{number, `{"error":{"code":"QUEUE_FULL","message":"m"}}`, 429, "QUEUE_FULL"},
		{number, `<html>`, 502, "HTTP 502"},
	} {
		if got := expectation.REST([]byte(c.number), c.status, []byte(c.body)); got != c.want {
			t.Errorf("%+v: got %s", c, got)
		}
	}
}

func TestReceiptsOverGRPC(t *testing.T) {
	expectation, answer := learned(t)
	for _, c := range []struct {
		receipt *routerv1.InvokeResponse
		want    string
	}{
		{&routerv1.InvokeResponse{StatusCode: 200, Body: []byte(answer)}, load.OK},
		{&routerv1.InvokeResponse{StatusCode: 200, Body: []byte(answer), ColdStart: true}, load.Cold},
		{&routerv1.InvokeResponse{StatusCode: 201, Body: []byte(answer)}, load.Wrong},
		{&routerv1.InvokeResponse{StatusCode: 200}, load.Wrong},
	} {
		if got := expectation.GRPC([]byte(number), c.receipt); got != c.want {
			t.Errorf("%v: got %s", c.receipt, got)
		}
	}
}

func TestThereIsAnEchoInEachRuntime(t *testing.T) {
	for _, runtime := range Runtimes {
		definition, err := Definition(runtime, "name", 20*time.Millisecond)
		code, _ := definition["code"].(string)
		if err != nil || !strings.Contains(code, "= 20") || strings.Contains(code, "%!") {
			t.Errorf("%s: %q, %v", runtime, code, err)
		}
	}
	if _, err := Definition("cobol", "name", 0); err == nil || Known([]string{"node", "cobol"}) == nil || Known(Runtimes) != nil {
		t.Error("cobol is a runtime")
	}
}
