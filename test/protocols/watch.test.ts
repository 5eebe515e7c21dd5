/** A watch over each protocol on the one port: a runner's life is heard, refusals explain themselves, leaving is free. */
import type { Transport } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { describe, expect } from "vitest";
import { EventService, ResourceType } from "../../src/gen/gitpod/v1/event_pb.ts";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { failureOf, test } from "../support/mock.ts";
import { callOutcome, register } from "../support/registrations.ts";
import { violationsOf } from "../support/violations.ts";
import { firstOf, watching } from "../support/watching.ts";

const gzip = { sendCompression: compressionGzip, acceptCompression: [compressionGzip], compressMinBytes: 0 };

const protocols: Record<string, [contentType: string, (baseUrl: string) => Transport]> = {
  "Connect JSON, HTTP/1.1": [
    "application/connect+json",
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
  ],
  "Connect JSON, HTTP/2": [
    "application/connect+json",
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: false }),
  ],
  "Connect binary, HTTP/1.1": [
    "application/connect+proto",
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true }),
  ],
  "Connect binary, HTTP/2": [
    "application/connect+proto",
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: true }),
  ],
  "Connect binary, HTTP/1.1, gzip": [
    "application/connect+proto",
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true, ...gzip }),
  ],
  "gRPC, HTTP/2": ["application/grpc+proto", (baseUrl) => createGrpcTransport({ baseUrl })],
  "gRPC, HTTP/2, gzip": ["application/grpc+proto", (baseUrl) => createGrpcTransport({ baseUrl, ...gzip })],
  "gRPC-Web, HTTP/1.1": [
    "application/grpc-web+proto",
    (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  ],
  "gRPC-Web, HTTP/2": [
    "application/grpc-web+proto",
    (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
  ],
};

const environmentId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";

describe.for(Object.entries(protocols))("over %s", ([, [contentType, transport]]) => {
  test("a runner's life is heard, from the headers of the watch on", async ({ mock }) => {
    const watch = await watching(mock.client(EventService, { transport }));
    expect(watch.header.get("content-type")).toBe(contentType);
    expect(watch.heard).toEqual([]);
    const users = { runner: mock.client(RunnerService, { transport }) };
    const { runnerId, accessToken } = await register(users);
    expect(await watch.next(1)).toEqual([`CREATE RUNNER ${runnerId}`]);
    await users.runner.updateRunner({ runnerId, name: "Another Name" });
    expect(await watch.next(1)).toEqual([`UPDATE RUNNER ${runnerId}`]);
    await mock.clock.advance("29.999s");
    await mock.clock.advance(1);
    expect(await watch.next(1)).toEqual([`DELETE RUNNER ${runnerId}`]);
    expect(await callOutcome(mock, accessToken)).toBe("ok");
    await users.runner.deleteRunner({ runnerId });
    expect(await watch.next(2)).toEqual([`CREATE RUNNER ${runnerId}`, `DELETE RUNNER ${runnerId}`]);
  });

  test("a request is heeded, and a refused one is told why", async ({ mock }) => {
    const events = mock.client(EventService, { transport });
    const resourceTypeFilters = [{ resourceType: ResourceType.ROLE_ASSIGNMENT }];
    const scope = { case: "environmentId", value: environmentId } as const;
    expect(await violationsOf(firstOf(events, { scope, resourceTypeFilters }))).toEqual([
      "events.filters_with_environment",
    ]);
    expect(await failureOf(firstOf(events, { scope, resourceTypeFilters }))).toBe(
      "invalid_argument: resource_type_filters cannot be combined with environment_id [events.filters_with_environment]",
    );
    const stranger = mock.client(EventService, { transport, bearer: "rmock_access_unheard-of" });
    expect(await failureOf(firstOf(stranger))).toMatch(/^unauthenticated: invalid bearer token/);
  });

  test("a client that leaves is let go, and others go on", async ({ mock }) => {
    const events = mock.client(EventService, { transport });
    const [leaving, staying] = [await watching(events), await watching(events)];
    await register(mock);
    await leaving.next(1);
    await leaving.end();
    const left = () => mock.log.map((line) => JSON.parse(line)).filter(({ code }) => code === "canceled");
    await expect.poll(left).toMatchObject([{ rpc: "gitpod.v1.EventService/WatchEvents" }]);
    await staying.next(1);
    const { runnerId } = await register(mock);
    expect(await staying.next(1)).toEqual([`CREATE RUNNER ${runnerId}`]);
  });

  test("it ends with unavailable when the server stops", async ({ mock }) => {
    const watch = await watching(mock.client(EventService, { transport }));
    await mock.close();
    expect(await watch.ended).toBe("unavailable: the server is stopping");
  });
});
