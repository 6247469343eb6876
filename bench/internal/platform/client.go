package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Client speaks REST, over connections that it keeps.
type Client struct {
	base string
	http *http.Client
}

// NewClient takes "http://host:port".
func NewClient(endpoint string) *Client {
	return &Client{base: endpoint, http: &http.Client{
		Timeout:   20 * time.Minute,
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	}}
}

// Definition is a function as REST takes it.
type Definition map[string]any

// With is the same definition but for one field.
func (d Definition) With(field string, value any) Definition {
	changed := Definition{field: value}
	for name, old := range d {
		if name != field {
			changed[name] = old
		}
	}
	return changed
}

// Register returns the function's id.
func (c *Client) Register(ctx context.Context, definition Definition) (string, error) {
	body, err := json.Marshal(definition)
	if err != nil {
		return "", err
	}
	var created struct {
		ID string `json:"id"`
	}
	err = c.call(ctx, http.MethodPost, "/functions", body, &created)
	return created.ID, err
}

// Delete also ends the function's instances.
func (c *Client) Delete(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, "/functions/"+id, nil, nil)
}

// Receipt is what is used of the answer to a call.
type Receipt struct {
	StatusCode int `json:"statusCode"`
	// What the function returned, as it came.
	Body      json.RawMessage `json:"body"`
	ColdStart bool            `json:"coldStart"`
	Duration  float64         `json:"duration"`
	// Milliseconds.
	Phases struct {
		Queue   float64 `json:"queue"`
		Start   float64 `json:"start"`
		Init    float64 `json:"init"`
		Handler float64 `json:"handler"`
	} `json:"phases"`
}

// InvokePath is where a function is called.
func InvokePath(id string) string { return "/functions/" + id + "/invoke" }

// Invoke calls a function that has to answer with status 200.
func (c *Client) Invoke(ctx context.Context, id string) (Receipt, error) {
	return c.InvokeWith(ctx, id, []byte("{}"))
}

// InvokeWith is Invoke with an event.
func (c *Client) InvokeWith(ctx context.Context, id string, event []byte) (Receipt, error) {
	var receipt Receipt
	err := c.call(ctx, http.MethodPost, InvokePath(id), event, &receipt)
	if err == nil && receipt.StatusCode != http.StatusOK {
		err = fmt.Errorf("the function answered with status %d", receipt.StatusCode)
	}
	return receipt, err
}

// WaitKnown calls a function until router and pool have heard of it: a moment.
func (c *Client) WaitKnown(ctx context.Context, id string) error {
	var err error
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, err = c.Invoke(ctx, id); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// InvokeCold calls a function that has to be started for it.
func (c *Client) InvokeCold(ctx context.Context, id string) (Receipt, error) {
	receipt, err := c.Invoke(ctx, id)
	if err == nil && !receipt.ColdStart {
		err = fmt.Errorf("a call met an instance that was there already: not a cold start")
	}
	return receipt, err
}

// FunctionMetrics is what is used of the metrics of one function.
type FunctionMetrics struct {
	FunctionID   string `json:"functionId"`
	FunctionName string `json:"functionName"`
	Total        int    `json:"total"`
	Warm         int    `json:"warm"`
	Busy         int    `json:"busy"`
	Warming      int    `json:"warming"`
	Terminating  int    `json:"terminating"`
}

// AddUp is whether every instance is in one state.
func (m FunctionMetrics) AddUp() bool {
	return m.Total == m.Warm+m.Busy+m.Warming+m.Terminating
}

// Metrics of all functions.
func (c *Client) Metrics(ctx context.Context) ([]FunctionMetrics, error) {
	var answer struct {
		Metrics []FunctionMetrics `json:"metrics"`
	}
	err := c.call(ctx, http.MethodGet, "/metrics", nil, &answer)
	return answer.Metrics, err
}

// Exposition is the metrics in the Prometheus format.
func (c *Client) Exposition(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/metrics", nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Accept", "text/plain")
	text, err := c.send(request)
	return string(text), err
}

func (c *Client) call(ctx context.Context, method, path string, body []byte, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if len(body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	text, err := c.send(request)
	if err != nil || answer == nil {
		return err
	}
	return json.Unmarshal(text, answer)
}

func (c *Client) send(request *http.Request) ([]byte, error) {
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusBadRequest {
		return nil, fmt.Errorf("%s %s: %s", request.Method, request.URL.Path, problem(response.Status, text))
	}
	return text, nil
}

// problem is the platform's own words where there are some.
func problem(status string, body []byte) string {
	var answer struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
			Details []struct {
				Field   string `json:"field"`
				Problem string `json:"problem"`
			} `json:"details"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Error.Code == "" {
		return status
	}
	text := answer.Error.Code + ": " + answer.Error.Message
	for _, detail := range answer.Error.Details {
		if !strings.Contains(text, detail.Problem) {
			text += "; " + detail.Field + " " + detail.Problem
		}
	}
	return text
}
