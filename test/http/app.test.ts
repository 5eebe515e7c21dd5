/** What the app answers beside RPCs, and where it finds them. */
import { get } from "node:http";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, onTestFinished } from "vitest";
import { EventService } from "../../src/gen/gitpod/v1/event_pb.ts";
import { RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { test } from "../support/mock.ts";
import { watching } from "../support/watching.ts";

const listRunners = "gitpod.v1.RunnerService/ListRunners";

describe("an RPC", () => {
  test.for(["/", "/api/", "/w/one/", "/w/one/api/"])("is found below %s", async (prefix, { mock }) => {
    const response = await fetch(mock.url + prefix + listRunners, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    expect(response.status).toBe(200);
  });

  test.for(["/apis/", "/api/api/", "/w/one/w/two/", "/api/w/one/"])(
    "is not found below %s",
    async (prefix, { mock }) => {
      const response = await fetch(mock.url + prefix + listRunners, { method: "POST", body: "{}" });
      expect([response.status, (await response.json()) as object]).toMatchObject([
        404,
        { code: "unimplemented" },
      ]);
    },
  );

  test("over gRPC goes to the world that a header names", async ({ mock }) => {
    const users = mock.client(RunnerService, { transport: (baseUrl) => createGrpcTransport({ baseUrl }) });
    const headers = { "runner-mock-world": "grpc-1" };
    await users.createRunner({ name: "in its world", provider: RunnerProvider.GCP }, { headers });
    expect((await users.listRunners({})).runners).toEqual([]);
    expect((await users.listRunners({}, { headers })).runners.map(({ name }) => name)).toEqual([
      "in its world",
    ]);
    const sameWorld = mock.client(RunnerService, { path: "/w/grpc-1/api" });
    expect((await sameWorld.listRunners({})).runners.length).toBe(1);
  });
});

test("a URL in full, as to a proxy, is understood", async ({ mock }) => {
  const status = await new Promise((resolve, reject) => {
    const { hostname, port, host } = new URL(mock.url);
    get({ hostname, port, path: `http://${host}/healthz` }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on("error", reject);
  });
  expect(status).toBe(200);
});

test.for(["/healthz", "/readyz"])("%s says that the mock is well", async (path, { mock }) => {
  const response = await fetch(mock.url + path);
  expect([response.status, await response.json()]).toEqual([200, { status: "ok" }]);
});

describe("a browser", () => {
  const origin = { origin: "https://app.example" };

  test.for([
    ["Connect", "content-type,connect-protocol-version,connect-timeout-ms,authorization,runner-mock-world"],
    ["gRPC-Web", "content-type,x-grpc-web,x-user-agent,grpc-timeout,authorization"],
    ["the SDK", "content-type,authorization,x-stainless-lang,x-stainless-retry-count"],
  ] as const)("may call from any origin with %s", async ([, headers], { mock }) => {
    const response = await fetch(`${mock.url}/api/${listRunners}`, {
      method: "OPTIONS",
      headers: {
        ...origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": headers,
      },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("access-control-allow-methods")).toMatch(/\bPOST\b/);
    const allowed = response.headers.get("access-control-allow-headers")?.toLowerCase().split(/, */);
    expect(allowed).toEqual(expect.arrayContaining(headers.split(",")));
  });

  test.for([
    ["an answer", "application/json", "{}", 200],
    ["an error", "application/json", "{", 400],
    ["a gRPC-Web error", "application/grpc-web+proto", "", 200],
    ["a wrong content type", "text/plain", "{}", 415],
    ["a lost request", "application/json", "{}", 404],
  ] as const)(
    "may read %s, and the headers of gRPC-Web",
    async ([what, contentType, body, status], { mock }) => {
      const path = what === "a lost request" ? "/gitpod.v1.RunnerService/Nope" : `/${listRunners}`;
      const response = await fetch(mock.url + path, {
        method: "POST",
        headers: { ...origin, "content-type": contentType },
        body,
      });
      expect(response.status).toBe(status);
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      const exposed = response.headers.get("access-control-expose-headers")?.toLowerCase().split(/, */);
      expect(exposed).toEqual(
        expect.arrayContaining(["grpc-status", "grpc-message", "grpc-status-details-bin"]),
      );
    },
  );
});

test("many streams at once are nothing that Node warns of", async ({ mock }) => {
  const warnings: string[] = [];
  const warned = ({ message }: Error) => warnings.push(message);
  process.on("warning", warned);
  onTestFinished(() => void process.off("warning", warned));
  const watches = await Promise.all(Array.from({ length: 20 }, () => watching(mock.client(EventService))));
  for (const watch of watches) await watch.end();
  expect(warnings).toEqual([]);
});
