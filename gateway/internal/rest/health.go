package rest

import (
	"net/http"

	"serverless-orchestrator/gateway/internal/backend"
)

// healthBody is what GET /health answers.
type healthBody struct {
	// Status is "ok", "degraded" (invocations work, something else does not),
	// "unavailable" or "draining".
	Status   string         `json:"status"`
	Services backend.States `json:"services"`
}

func (h *Handler) health(w http.ResponseWriter, r *http.Request, _ map[string]string) {
	body := healthBody{Status: "ok", Services: h.options.Backends.Check(r.Context())}
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
