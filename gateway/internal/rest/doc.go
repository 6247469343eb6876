// Package rest is the HTTP side of the gateway: the JSON API, health and
// metrics.
//
// A request passes these steps, each in its own file: a request id is found or
// made (requestid.go), the route is looked up (routes.go), query parameters and
// body are checked against it (query.go, body.go, json.go), foreign headers are
// dropped (headers.go), and grpc-gateway's mux makes the gRPC call. Whatever
// goes wrong becomes a failure (failure.go), which has one JSON shape.
package rest
