package platform

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	poolv1 "serverless-orchestrator/gateway/gen/serverless/pool/v1"
)

// Pool speaks gRPC with the pool, without gateway and router in between.
type Pool struct {
	connection *grpc.ClientConn
	service    poolv1.PoolServiceClient
}

// DialPool takes host:port.
func DialPool(address string) (*Pool, error) {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	return &Pool{connection, poolv1.NewPoolServiceClient(connection)}, nil
}

// Close ends the connection.
func (p *Pool) Close() { p.connection.Close() }

// Warm starts so many instances and waits until all are warm.
func (p *Pool) Warm(ctx context.Context, id string, count int) error {
	wanted := int32(count)
	answer, err := p.service.Warm(ctx, &poolv1.WarmRequest{Function: id, Count: &wanted})
	if err != nil {
		return err
	}
	if answer.GetWarmed() != wanted {
		return fmt.Errorf("only %d of %d instances became warm", answer.GetWarmed(), wanted)
	}
	return nil
}

// WaitEmpty returns when the pool has no instances left.
func (p *Pool) WaitEmpty(ctx context.Context) error {
	for {
		answer, err := p.service.GetMetrics(ctx, &poolv1.GetMetricsRequest{})
		if err != nil {
			return err
		}
		if answer.GetTotalInstances() == 0 {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%d instances are left: %w", answer.GetTotalInstances(), context.Cause(ctx))
		}
	}
}
