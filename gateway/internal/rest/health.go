package rest

import (
	"context"
	"net/http"
	"sync"
	"time"

	poolv1 "serverless-orchestrator/gateway/gen/serverless/pool/v1"
	"serverless-orchestrator/gateway/internal/backend"
)

// healthBody is what GET /health answers.
type healthBody struct {
	// Status is "ok", "degraded" (invocations work, something else does not),
	// "unavailable" or "draining".
	Status   string         `json:"status"`
	Services backend.States `json:"services"`
	// Isolation is "full" or the list of the layers that the operator allowed to
	// be missing; absent when the pool cannot tell.
	Isolation any `json:"isolation,omitempty"`
	// Problems are those of the pool in making sandboxes.
	Problems []string `json:"problems,omitempty"`
}

func (h *Handler) health(w http.ResponseWriter, r *http.Request, _ map[string]string) {
	body := healthBody{Status: "ok"}
	var group sync.WaitGroup
	group.Go(func() { body.Services = h.options.Backends.Check(r.Context()) })
	group.Go(func() { body.Isolation, body.Problems = h.isolation(r.Context()) })
	group.Wait()
	status := http.StatusOK
	switch {
	case h.draining.Load():
		body.Status, status = "draining", http.StatusServiceUnavailable
	case body.Services.Router != backend.StateOK:
		// Without the router nothing can be invoked: that is what the platform is for.
		body.Status, status = "unavailable", http.StatusServiceUnavailable
	case !body.Services.AllOK():
		body.Status = "degraded"
	}
	writeJSON(w, status, body)
}

// isolationDeadline is as short as that of a health check.
const isolationDeadline = time.Second

// isolation asks the pool how well it isolates, and what keeps it from doing so.
func (h *Handler) isolation(ctx context.Context) (any, []string) {
	ctx, cancel := context.WithTimeout(ctx, isolationDeadline)
	defer cancel()
	answer, err := h.pool.GetIsolation(ctx, &poolv1.GetIsolationRequest{})
	if err != nil {
		return nil, nil
	}
	found := answer.GetIsolation()
	var problems []string
	for _, runtime := range found.GetRuntimes() {
		if runtime.GetProblem() != "" {
			problems = append(problems, runtime.GetRuntime()+": "+runtime.GetProblem())
		}
	}
	switch {
	case found.GetProblem() != "":
		return nil, append(problems, found.GetProblem())
	case len(found.GetMissingLayers()) > 0:
		return found.GetMissingLayers(), problems
	default:
		return "full", problems
	}
}

// live says only that the gateway answers. Restarting it would not bring a lost
// service back, so no service counts here.
func (h *Handler) live(w http.ResponseWriter, _ *http.Request, _ map[string]string) {
	writeJSON(w, http.StatusOK, statusBody{"ok"})
}

func (h *Handler) ready(w http.ResponseWriter, r *http.Request, _ map[string]string) {
	switch {
	case h.draining.Load():
		writeJSON(w, http.StatusServiceUnavailable, statusBody{"draining"})
	case h.options.Backends.Router.Check(r.Context()) != backend.StateOK:
		writeJSON(w, http.StatusServiceUnavailable, statusBody{"unavailable"})
	default:
		writeJSON(w, http.StatusOK, statusBody{"ok"})
	}
}

type statusBody struct {
	Status string `json:"status"`
}
