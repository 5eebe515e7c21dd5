package main

import (
	"context"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	gitpodv1 "gitpod-runner-mock.test/driver/gen/gitpod/v1"
)

// GrpcClients are those of grpc-go, which has no paths and so no /api.
func grpcClients(url string) (clients, error) {
	target := strings.TrimPrefix(url, "http://")
	connection, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return clients{}, err
	}
	events := gitpodv1.NewEventServiceClient(connection)
	return clients{
		services: map[string]any{
			"RunnerService":              gitpodv1.NewRunnerServiceClient(connection),
			"IdentityService":            gitpodv1.NewIdentityServiceClient(connection),
			"GatewayService":             gitpodv1.NewGatewayServiceClient(connection),
			"EventService":               events,
			"RunnerConfigurationService": gitpodv1.NewRunnerConfigurationServiceClient(connection),
		},
		bear: func(ctx context.Context, bearer string) context.Context {
			return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+bearer)
		},
		watch: func(ctx context.Context, request *gitpodv1.WatchEventsRequest) (stream, error) {
			messages, err := events.WatchEvents(ctx, request)
			if err != nil {
				return nil, err
			}
			return messages.Recv, nil
		},
		explain: func(err error) (string, string) {
			// Connect's codes have gRPC's numbers.
			said := status.Convert(err)
			return connect.Code(said.Code()).String(), said.Message()
		},
	}, nil
}
