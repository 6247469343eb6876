package backend

import (
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

const (
	// MessageLimit leaves room for an event or a result of 6 MiB with logs.
	MessageLimit = 8 << 20
	// RegistryMessageLimit leaves room for an archive of 50 MiB, also as base64.
	RegistryMessageLimit = 80 << 20
)

// What a service may send ahead of being read: of one call, and of all.
const (
	windowBytes           = 1 << 20
	connectionWindowBytes = 16 << 20
)

// BuildTimeout is the deadline of calls that may have to build code first.
const BuildTimeout = 3 * time.Minute

// retries repeats only calls that change nothing. Invoke is never repeated
// here: whether an attempt reached user code is known to the router alone.
const retries = `{"methodConfig": [{
  "name": [
    {"service": "serverless.registry.v1.RegistryService", "method": "GetFunction"},
    {"service": "serverless.registry.v1.RegistryService", "method": "ListFunctions"},
    {"service": "serverless.registry.v1.RegistryService", "method": "ListVersions"},
    {"service": "serverless.pool.v1.PoolService", "method": "ListInstances"},
    {"service": "serverless.pool.v1.PoolService", "method": "GetMetrics"},
    {"service": "serverless.router.v1.RouterService", "method": "ListLogs"},
    {"service": "serverless.router.v1.RouterService", "method": "GetStatistics"},
    {"service": "serverless.scaler.v1.ScalerService", "method": "GetStatus"}
  ],
  "retryPolicy": {
    "maxAttempts": 3,
    "initialBackoff": "0.05s",
    "maxBackoff": "0.5s",
    "backoffMultiplier": 3,
    "retryableStatusCodes": ["UNAVAILABLE"]
  }
}]}`

func dialOptions(messageLimit int) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		// The services are neighbours: a proxy from the environment is not for them.
		grpc.WithNoProxy(),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallSendMsgSize(messageLimit),
			grpc.MaxCallRecvMsgSize(messageLimit),
		),
		grpc.WithDefaultServiceConfig(retries),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			// The least that gRPC allows; a service that has been stopped is
			// noticed within 15 s.
			Time:                10 * time.Second,
			Timeout:             5 * time.Second,
			PermitWithoutStream: true,
		}),
		// gRPC's own longest pause is two minutes; a service that was restarted
		// has to be found sooner.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay:  50 * time.Millisecond,
				Multiplier: 1.6,
				Jitter:     0.2,
				MaxDelay:   time.Second,
			},
			MinConnectTimeout: 2 * time.Second,
		}),
		// Fixed windows: gRPC would otherwise send a ping with every answer to
		// measure the bandwidth to a neighbour.
		grpc.WithInitialWindowSize(windowBytes),
		grpc.WithInitialConnWindowSize(connectionWindowBytes),
		grpc.WithStatsHandler(sentHandler{}),
		grpc.WithChainUnaryInterceptor(etagInterceptor),
	}
}
