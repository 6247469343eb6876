package rest

import (
	"net/http"
	"time"

	"serverless-orchestrator/gateway/internal/backend"
)

// indexBody is what GET / answers.
type indexBody struct {
	Name      string         `json:"name"`
	Version   string         `json:"version"`
	Uptime    float64        `json:"uptime"` // seconds
	Endpoints []endpoint     `json:"endpoints"`
	Services  backend.States `json:"services"`
}

type endpoint struct {
	Method      string `json:"method"`
	Path        string `json:"path"`
	Description string `json:"description"`
}

func (h *Handler) index(w http.ResponseWriter, r *http.Request, _ map[string]string) {
	body := indexBody{
		Name:     "Serverless Orchestrator",
		Version:  h.options.Version,
		Uptime:   time.Since(h.started).Truncate(time.Millisecond).Seconds(),
		Services: h.options.Backends.Check(r.Context()),
	}
	for _, rt := range h.routes {
		body.Endpoints = append(body.Endpoints, endpoint{rt.method, rt.path, rt.description})
	}
	writeJSON(w, http.StatusOK, body)
}
