package rest

import (
	"net/http"

	"google.golang.org/grpc/metadata"

	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
	"serverless-orchestrator/gateway/internal/backend"
)

// invoke runs a function. The body is the event whatever its Content-Type says:
// `curl -d` calls every body a form. Event and result pass through as bytes;
// parsing them would cost more than everything else the gateway does.
func (h *Handler) invoke(w http.ResponseWriter, r *http.Request, params map[string]string) {
	if r.URL.RawQuery != "" && r.URL.Query().Get("stream") == "true" {
		h.invokeStreaming(w, r, params["id"])
		return
	}
	ex := exchangeOf(r.Context())
	outgoing := outgoingMetadata(r.Header)
	outgoing.Set(backend.ClientKey, ex.client)
	receipt, err := h.router.Invoke(
		metadata.NewOutgoingContext(r.Context(), outgoing),
		&routerv1.InvokeRequest{
			Function: params["id"], Event: ex.body, RequestId: ex.requestID,
			IdempotencyKey: ex.idempotencyKey,
		},
	)
	if err != nil {
		h.fail(w, r, ex, failureOf(err, ex.route.service, ex))
		return
	}
	if receipt.GetReplayed() {
		w.Header().Set(idempotencyReplayedHeader, "true")
	}
	if receipt.GetError() != nil {
		f := receiptFailure(receipt)
		if receipt.GetReplayed() {
			f.requestID = receipt.GetRequestId()
		}
		h.fail(w, r, ex, f)
		return
	}
	writeBytes(w, http.StatusOK, "application/json", appendReceipt(nil, receipt))
}

// outgoingMetadata is what grpc-gateway does for the generated handlers.
func outgoingMetadata(header http.Header) metadata.MD {
	md := metadata.MD{}
	for name, values := range header {
		if key, ok := metadataName(name); ok {
			md.Append(key, values...)
		}
	}
	return md
}
