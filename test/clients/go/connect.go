package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"connectrpc.com/connect"

	gitpodv1 "gitpod-runner-mock.test/driver/gen/gitpod/v1"
	"gitpod-runner-mock.test/driver/gen/gitpod/v1/gitpodv1connect"
)

// ConnectClients are those of connect-go.
func connectClients(url, setting string) (clients, error) {
	var options []connect.ClientOption
	httpClient := http.DefaultClient
	switch setting {
	case "connect":
	case "connect-get":
		options = append(options, connect.WithHTTPGet())
	case "connect-json-gzip-h2c":
		options = append(options, connect.WithProtoJSON(), connect.WithSendGzip())
		httpClient = h2cClient()
	case "grpc-h2c":
		options = append(options, connect.WithGRPC())
		httpClient = h2cClient()
	case "grpc-web":
		options = append(options, connect.WithGRPCWeb())
	default:
		return clients{}, fmt.Errorf("there is no setting %q", setting)
	}

	base := url + "/api"
	events := gitpodv1connect.NewEventServiceClient(httpClient, base, options...)
	return clients{
		services: map[string]any{
			"RunnerService":              gitpodv1connect.NewRunnerServiceClient(httpClient, base, options...),
			"IdentityService":            gitpodv1connect.NewIdentityServiceClient(httpClient, base, options...),
			"GatewayService":             gitpodv1connect.NewGatewayServiceClient(httpClient, base, options...),
			"EventService":               events,
			"RunnerConfigurationService": gitpodv1connect.NewRunnerConfigurationServiceClient(httpClient, base, options...),
		},
		bear: func(ctx context.Context, bearer string) context.Context {
			ctx, call := connect.NewClientContext(ctx)
			call.RequestHeader().Set("Authorization", "Bearer "+bearer)
			return ctx
		},
		watch: func(ctx context.Context, request *gitpodv1.WatchEventsRequest) (stream, error) {
			messages, err := events.WatchEvents(ctx, request)
			if err != nil {
				return nil, err
			}
			return func() (*gitpodv1.WatchEventsResponse, error) {
				if !messages.Receive() {
					return nil, errors.Join(messages.Err(), io.EOF)
				}
				return messages.Msg(), nil
			}, nil
		},
		explain: func(err error) (string, string) {
			if failed := new(connect.Error); errors.As(err, &failed) {
				return failed.Code().String(), failed.Message()
			}
			return "none", err.Error()
		},
	}, nil
}

// H2cClient speaks HTTP/2 without TLS, and nothing else.
func h2cClient() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: protocols}}
}
