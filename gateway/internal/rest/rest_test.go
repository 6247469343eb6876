package rest

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"serverless-orchestrator/gateway/internal/backend/backendtest"
)

const (
	createFunction   = "/serverless.registry.v1.RegistryService/CreateFunction"
	getFunction      = "/serverless.registry.v1.RegistryService/GetFunction"
	listFunctions    = "/serverless.registry.v1.RegistryService/ListFunctions"
	replaceFunction  = "/serverless.registry.v1.RegistryService/ReplaceFunction"
	updateFunction   = "/serverless.registry.v1.RegistryService/UpdateFunction"
	deleteFunction   = "/serverless.registry.v1.RegistryService/DeleteFunction"
	listVersions     = "/serverless.registry.v1.RegistryService/ListVersions"
	rollbackFunction = "/serverless.registry.v1.RegistryService/RollbackFunction"
	warm             = "/serverless.pool.v1.PoolService/Warm"
	listInstances    = "/serverless.pool.v1.PoolService/ListInstances"
	getMetrics       = "/serverless.pool.v1.PoolService/GetMetrics"
	getIsolation     = "/serverless.pool.v1.PoolService/GetIsolation"
	invoke           = "/serverless.router.v1.RouterService/Invoke"
	listLogs         = "/serverless.router.v1.RouterService/ListLogs"
	getStatistics    = "/serverless.router.v1.RouterService/GetStatistics"
)

// api is a Handler in front of fake services.
type api struct {
	*Handler
	cluster *backendtest.Cluster
	logged  *bytes.Buffer
}

func newAPI(t testing.TB) *api {
	t.Helper()
	cluster := backendtest.Start(t)
	logged := &bytes.Buffer{}
	handler, err := NewHandler(Options{
		Backends:      cluster.Backends,
		Log:           slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Version:       "1.2.3",
		CallTimeout:   10 * time.Second,
		InvokeTimeout: 20 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &api{handler, cluster, logged}
}

// send makes one request; header is name, value, name, value...
func (a *api) send(method, path, body string, header ...string) *httptest.ResponseRecorder {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	request := httptest.NewRequest(method, path, reader)
	for i := 0; i < len(header); i += 2 {
		request.Header.Add(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	a.ServeHTTP(recorder, request)
	return recorder
}

// failed decodes an answer that must be an error with this status and code.
func failed(t *testing.T, answer *httptest.ResponseRecorder, status int, code string) errorBody {
	t.Helper()
	var body errorBody
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil {
		t.Fatalf("the answer is not JSON: %v: %s", err, answer.Body)
	}
	if answer.Code != status || body.Error.Code != code {
		t.Errorf("answer = %d %s, want %d %s: %s", answer.Code, body.Error.Code, status, code, answer.Body)
	}
	if body.RequestID == "" || body.RequestID != answer.Header().Get(requestIDHeader) {
		t.Errorf("requestId %q, header %q", body.RequestID, answer.Header().Get(requestIDHeader))
	}
	if body.Error.Message == "" {
		t.Error("the error has no message")
	}
	return body
}

func compact(t *testing.T, text []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		t.Fatalf("not JSON: %v: %s", err, text)
	}
	return out.String()
}

func decode[T any](t *testing.T, answer *httptest.ResponseRecorder) T {
	t.Helper()
	var value T
	if err := json.Unmarshal(answer.Body.Bytes(), &value); err != nil {
		t.Fatalf("not JSON: %v: %s", err, answer.Body)
	}
	return value
}

func jsonHeader() []string { return []string{"Content-Type", "application/json"} }

func methodOf(t *testing.T, a *api) string {
	t.Helper()
	return a.cluster.LastCall(t).Method
}

var _ http.Handler = (*Handler)(nil)
