/** What verifiers of ID tokens ask for over HTTP: where it is found, by whom, and what is in it. */
import { request } from "node:http";
import { decodeJwt } from "jose";
import { describe, expect } from "vitest";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { TestMock } from "../support/mock.ts";
import { sharing } from "../support/shared-mock.ts";

/** Strangers need no bearer for any of this. */
const test = sharing({ auth: "required", token: { alice: "alice-token" } });

/** Opens a world, which strangers do not. */
const open = (mock: TestMock, name: string) =>
  mock.client(RunnerService, { path: `/w/${name}`, bearer: "alice-token" }).listRunners({});

const documents = ["/.well-known/openid-configuration", "/.well-known/jwks.json"] as const;
const [configuration, jwks] = documents;

async function get(url: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, { headers });
  const type = response.headers.get("content-type")?.split(";", 1)[0];
  // biome-ignore lint/suspicious/noExplicitAny: whatever the JSON turns out to be
  return { status: response.status, type, headers: response.headers, body: (await response.json()) as any };
}

describe.for(documents)("%s", (document) => {
  test("is found at the root and at /api, in each world by its path or by the header", async ({ shared }) => {
    await open(shared, "a-world");
    const here = await get(shared.url + document);
    expect(here).toMatchObject({ status: 200, type: "application/json" });
    const there = await get(`${shared.url}/w/a-world${document}`);
    expect(there).toMatchObject({ status: 200, type: "application/json" });
    expect(there.body).not.toEqual(here.body);

    for (const path of ["/api", "/w/default", "/w/default/api"]) {
      expect((await get(shared.url + path + document)).body).toEqual(here.body);
    }
    expect((await get(`${shared.url}/w/a-world/api${document}`)).body).toEqual(there.body);
    const headers = { "runner-mock-world": "a-world" };
    for (const path of ["", "/api"]) {
      expect((await get(shared.url + path + document, headers)).body).toEqual(there.body);
    }
  });

  test("asks for no bearer, and cares for none", async ({ shared }) => {
    for (const authorization of ["Bearer nobody", "Bearer rmock_access_nobody", "Basic YTpi"]) {
      expect((await get(shared.url + document, { authorization })).status).toBe(200);
    }
  });

  test("can be read by browsers", async ({ shared }) => {
    const { headers } = await get(shared.url + document, { origin: "https://app.example" });
    expect(["*", "https://app.example"]).toContain(headers.get("access-control-allow-origin"));
  });

  test("opens no world for strangers, where calls need a bearer", async ({ shared }) => {
    const { status, body } = await get(`${shared.url}/w/nobody-was-here${document}`);
    expect([status, body.code, body.message]).toEqual([
      404,
      "not_found",
      'there is no world "nobody-was-here"',
    ]);
  });

  test("opens a world where anybody may", async ({ start }) => {
    const mock = await start();
    expect((await get(`${mock.url}/w/new${document}`)).status).toBe(200);
  });

  test.for(["a b", "x/y"])("refuses the Host %j", async (host, { shared }) => {
    const { hostname, port } = new URL(shared.url);
    const status = await new Promise((resolve, reject) => {
      const call = request({ hostname, port, path: document, headers: { host } });
      call
        .on("response", (response) => resolve(response.resume().statusCode))
        .on("error", reject)
        .end();
    });
    expect(status).toBe(400);
  });

  test.for(["NO-NAME", "no%20name", "-a", "a".repeat(64)])(
    "is in no world by the name %j: the answer is a Connect error",
    async (name, { shared }) => {
      const { status, type, body } = await get(`${shared.url}/w/${name}${document}`);
      expect([status, type]).toEqual([400, "application/json"]);
      expect(body).toMatchObject({ code: "invalid_argument" });
      expect(body.message).toContain("world name");
    },
  );
});

test.for(["RUNNERS.example:80", "Runners.Example", "runners.example:8080", "127.1"])(
  "a token has the issuer that its discovery document has, for the Host %s",
  async (host, { start }) => {
    const mock = await start();
    const { hostname, port } = new URL(mock.url);
    const sent = (path: string, method: string, body?: string) =>
      new Promise<string>((resolve, reject) => {
        const headers = { host, "content-type": "application/json" };
        const call = request({ hostname, port, path, method, headers }, async (response) => {
          let text = "";
          for await (const chunk of response) text += chunk;
          resolve(text);
        });
        call.on("error", reject).end(body);
      });
    const { token } = JSON.parse(
      await sent("/gitpod.v1.IdentityService/GetIDToken", "POST", '{"audience": ["me"]}'),
    );
    const { issuer } = JSON.parse(await sent(configuration, "GET"));
    expect(decodeJwt(token).iss).toBe(issuer);
  },
);

describe("the discovery document", () => {
  test("says all that OpenID Connect requires of it", async ({ shared }) => {
    const { body } = await get(`${shared.url}/api${configuration}`);
    expect(body).toMatchObject({
      issuer: shared.url,
      jwks_uri: shared.url + jwks,
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
    });
  });
});

describe("the key set", () => {
  test("has one public key, for RS256, and no part of the private one", async ({ shared }) => {
    const { keys } = (await get(shared.url + jwks)).body;
    const text = expect.stringMatching(/^[\w-]+$/);
    expect(keys).toEqual([{ kty: "RSA", n: text, e: text, kid: text, alg: "RS256", use: "sig" }]);
    // 2048 bits.
    expect(Buffer.from(keys[0].n, "base64url")).toHaveLength(256);
  });

  test("stays as it is", async ({ shared }) => {
    const [before, after] = [await get(shared.url + jwks), await get(shared.url + jwks)];
    expect(after.body).toEqual(before.body);
  });
});
