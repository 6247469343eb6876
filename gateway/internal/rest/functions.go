package rest

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	functionv1 "serverless-orchestrator/gateway/gen/serverless/function/v1"
)

// functionHeaders adds what HTTP says about a function beside its JSON: ETag,
// and for a new one 201 and Location.
func functionHeaders(ctx context.Context, w http.ResponseWriter, answer proto.Message) error {
	holder, ok := answer.(interface{ GetFunction() *functionv1.Function })
	if !ok || holder.GetFunction() == nil {
		return nil
	}
	function := holder.GetFunction()
	if function.GetEtag() != "" {
		w.Header().Set("ETag", strconv.Quote(function.GetEtag()))
	}
	ex := exchangeOf(ctx)
	created, ok := w.(*response)
	if ok && ex.route.method == http.MethodPost && ex.route.path == "/functions" {
		w.Header().Set("Location", "/functions/"+function.GetId())
		created.created = true
	}
	return nil
}

// ifMatch is the etag that a write is conditional on; empty when it is not.
// Weak etags are compared like strong ones: there is one form of a function.
func ifMatch(header http.Header) (string, *failure) {
	value := strings.TrimSpace(header.Get("If-Match"))
	if value == "" || value == "*" {
		return value, nil
	}
	etag := strings.TrimPrefix(value, "W/")
	etag = strings.TrimSuffix(strings.TrimPrefix(etag, `"`), `"`)
	if etag == "" || strings.ContainsAny(etag, `", `) || !isPrintableASCII(etag) || len(header.Values("If-Match")) > 1 {
		return "", newFailure(codeInvalidArgument, "the header If-Match must be the etag of a function, or *")
	}
	return etag, nil
}
