/** gRPC's health service, at both addresses. */
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect } from "vitest";
import {
  Health,
  HealthCheckResponse_ServingStatus as Status,
} from "../../src/gen/grpc/health/v1/health_pb.ts";
import { test } from "../support/control.ts";
import { connectJson, failureOf } from "../support/mock.ts";

const grpc = (baseUrl = "") => createClient(Health, createGrpcTransport({ baseUrl }));

describe("Check", () => {
  test("says that the server and each of its services answer", async ({ mock }) => {
    for (const service of [
      "",
      "gitpod.v1.RunnerService",
      "gitpod.v1.EventService",
      "grpc.health.v1.Health",
    ]) {
      expect(await grpc(mock.url).check({ service })).toMatchObject({ status: Status.SERVING });
    }
    expect(await grpc(mock.controlUrl).check({ service: "runnermock.v1.ControlService" })).toMatchObject({
      status: 1,
    });
    expect(await createClient(Health, connectJson(mock.url)).check({})).toMatchObject({
      status: Status.SERVING,
    });
  });

  test("does not know what is not served at its address", async ({ mock }) => {
    expect(await failureOf(grpc(mock.url).check({ service: "runnermock.v1.ControlService" }))).toBe(
      'not_found: there is no service "runnermock.v1.ControlService" here',
    );
  });

  test("needs no bearer, opens no world, and meets no fault", async ({ start }) => {
    const mock = await start({ auth: "required", controlPort: 0, controlToken: "secret" });
    await mock.faults.inject({ effect: { case: "error", value: { code: "unavailable" } } });
    expect(await grpc(mock.url).check({})).toMatchObject({ status: Status.SERVING });
    expect(await grpc(mock.controlUrl).check({})).toMatchObject({ status: Status.SERVING });
    expect(mock.calls.list()).toEqual([]);
  });
});

test("Watch says how it is, and once the server stops that it no longer serves", async ({ mock }) => {
  const watch = grpc(mock.url).watch({ service: "gitpod.v1.RunnerService" })[Symbol.asyncIterator]();
  expect((await watch.next()).value?.status).toBe(Status.SERVING);
  const next = watch.next();
  const closing = mock.close();
  expect((await next).value?.status).toBe(Status.NOT_SERVING);
  expect(await failureOf(watch.next())).toMatch(/^unavailable: /);
  await closing;
});

test("Watch of an unknown service says that it is unknown", async ({ mock }) => {
  const watch = grpc(mock.url).watch({ service: "nobody" })[Symbol.asyncIterator]();
  expect((await watch.next()).value?.status).toBe(Status.SERVICE_UNKNOWN);
  await watch.return?.();
});
