/** The main story, told over each protocol on the one port: create, exchange, renew, lapse, revive. */
import type { Transport } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { describe, expect } from "vitest";
import { IdentityService } from "../../src/gen/gitpod/v1/identity_pb.ts";
import {
  RunnerConfigurationService,
  RunnerKind,
  RunnerProvider,
} from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerPhase, RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { failureOf, startMs, test } from "../support/mock.ts";

const gzip = { sendCompression: compressionGzip, acceptCompression: [compressionGzip], compressMinBytes: 0 };

const protocols: Record<string, (baseUrl: string) => Transport> = {
  "Connect JSON, HTTP/1.1": (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
  "Connect JSON, HTTP/2": (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: false }),
  "Connect JSON with GET": (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false, useHttpGet: true }),
  "Connect JSON, gzip": (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false, ...gzip }),
  "Connect binary, HTTP/1.1": (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true }),
  "Connect binary, HTTP/2": (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: true }),
  "Connect binary with GET, gzip": (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true, useHttpGet: true, ...gzip }),
  "gRPC, HTTP/2": (baseUrl) => createGrpcTransport({ baseUrl }),
  "gRPC, HTTP/2, gzip": (baseUrl) => createGrpcTransport({ baseUrl, ...gzip }),
  "gRPC-Web, HTTP/1.1": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  "gRPC-Web, HTTP/2": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
};

describe.for(Object.entries(protocols))("over %s", ([, transport]) => {
  test("a runner is created, exchanges its token, keeps its lease alive, lapses and revives", async ({
    mock,
  }) => {
    const users = mock.client(RunnerService, { transport });
    const { runner, exchangeToken } = await users.createRunner({
      name: "Production Runner",
      provider: RunnerProvider.AWS_EC2,
      spec: { configuration: { region: "us-west", updateWindow: { startHour: 22 } } },
    });
    const runnerId = runner?.runnerId ?? "";
    expect(runner).toMatchObject({
      name: "Production Runner",
      kind: RunnerKind.REMOTE,
      provider: RunnerProvider.AWS_EC2,
      status: { phase: RunnerPhase.CREATED },
      spec: { configuration: { region: "us-west", updateWindow: { startHour: 22 } } },
    });
    expect(Number(runner?.createdAt?.seconds)).toBe(Math.floor(startMs / 1000));

    const identity = mock.client(IdentityService, { transport });
    const { accessToken } = await identity.exchangeToken({ exchangeToken });
    const phase = async () => (await users.getRunner({ runnerId })).runner?.status?.phase;
    expect(await phase()).toBe(RunnerPhase.INACTIVE);

    const itself = mock.client(IdentityService, { transport, bearer: accessToken });
    for (let renewals = 0; renewals < 3; renewals++) {
      await mock.clock.advance("29.999s");
      expect((await itself.getAuthenticatedIdentity({})).subject?.id).toBe(runnerId);
    }
    expect(await phase()).toBe(RunnerPhase.ACTIVE);

    await mock.clock.advance("30s");
    expect(await failureOf(users.getRunner({ runnerId }))).toBe("not_found: runner not found");
    expect((await users.listRunners({})).runners).toEqual([]);

    await itself.getAuthenticatedIdentity({});
    const { runners } = await users.listRunners({});
    expect(runners.map((found) => [found.runnerId, found.createdAt])).toEqual([
      [runnerId, runner?.createdAt],
    ]);
  });

  test("errors keep their code, their text and their details", async ({ mock }) => {
    const users = mock.client(RunnerService, { transport });
    const runnerId = "00000000-0000-4000-8000-000000000000";
    expect(await failureOf(users.getRunner({ runnerId }))).toBe("not_found: runner not found");
    expect(await failureOf(users.getRunner({ runnerId: "x" }))).toBe(
      "invalid_argument: runner_id: must be a valid UUID [string.uuid]",
    );
    const error = await users.createRunner({ name: "x" }).catch((cause) => cause);
    expect(error.details).toMatchObject([
      { type: "buf.validate.Violations" },
      { type: "runnermock.v1.Explanation" },
    ]);
    const notYet = mock.client(RunnerConfigurationService, { transport });
    expect(await failureOf(notYet.listEnvironmentClasses({}))).toMatch(/^unimplemented: /);
    const stranger = mock.client(RunnerService, { transport, bearer: "rmock_access_unheard-of" });
    expect(await failureOf(stranger.listRunners({}))).toMatch(/^unauthenticated: /);
  });
});

test("no call needs the header Connect-Protocol-Version", async ({ mock }) => {
  const response = await fetch(`${mock.url}/gitpod.v1.RunnerService/ListRunners`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  expect([response.status, await response.json()]).toEqual([200, { pagination: {} }]);
});
