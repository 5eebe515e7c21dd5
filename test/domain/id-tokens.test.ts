/** GetIDToken: tokens that anybody's OIDC library verifies by way of the discovery document. */
import { request } from "node:http";
import { json } from "node:stream/consumers";
import type { Client } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import {
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  importJWK,
  type JSONWebKeySet,
  jwtVerify,
} from "jose";
import { describe, expect } from "vitest";
import { IDTokenVersion, IdentityService } from "../../src/gen/gitpod/v1/identity_pb.ts";
import type { TestMock } from "../support/mock.ts";
import { codeOf, register } from "../support/registrations.ts";
import { sharing, test } from "../support/shared-mock.ts";

const audience = ["example.com"];
const { ID_TOKEN_VERSION_UNSPECIFIED, ID_TOKEN_VERSION_V1, ID_TOKEN_VERSION_V2 } = IDTokenVersion;
const serviceId = "5c2e1f0a-9b8d-4e7c-a6f5-00000000000a";
const organizationId = "5c2e1f0a-9b8d-4e7c-a6f5-00000000000b";

const lax = sharing({ validation: "off" });
const behindProxy = sharing({ publicUrl: "https://mock.example/base/" });
const known = sharing({
  identities: {
    identities: (["ACCOUNT", "USER", "ENVIRONMENT", "SERVICE_ACCOUNT", "RUNNER_MANAGER"] as const).map(
      (word) => ({
        token: word,
        principal: `PRINCIPAL_${word}` as const,
        id: serviceId,
        organization: { id: organizationId },
      }),
    ),
  },
});

const tokenOf = async (client: Client<typeof IdentityService>, audiences = audience) =>
  (await client.getIDToken({ audience: audiences })).token;

// biome-ignore lint/suspicious/noExplicitAny: whatever the JSON turns out to be
async function getJson(url: string): Promise<any> {
  const response = await fetch(url);
  expect([url, response.status]).toEqual([url, 200]);
  return response.json();
}

const discover = (base: string) => getJson(`${base}/.well-known/openid-configuration`);

/** What a verifier does who trusts this issuer, at the time of the mock. */
async function verify(mock: TestMock, token: string, { issuer = mock.url, audience = "example.com" } = {}) {
  const { jwks_uri, ...discovered } = await discover(issuer);
  expect(discovered.issuer).toBe(issuer);
  const currentDate = new Date(mock.clock.nowMs());
  return jwtVerify(token, createRemoteJWKSet(new URL(jwks_uri)), { issuer, audience, currentDate });
}

describe("an ID token is verified", () => {
  test("by way of the discovery document, by whoever it is for", async ({ shared }) => {
    const token = await tokenOf(shared.identity);
    const { payload, protectedHeader } = await verify(shared, token);
    const { subject, ...organization } = await shared.identity.getAuthenticatedIdentity({});
    expect(payload.sub).toBe(`org:${organization.organizationId}/user:${subject?.id}`);
    expect(protectedHeader).toEqual({ alg: "RS256", kid: expect.any(String), typ: "JWT" });
    await expect(verify(shared, token, { audience: "example.org" })).rejects.toThrow('"aud"');
  });

  test("by each of its audiences", async ({ shared }) => {
    const token = await tokenOf(shared.identity, ["a.example", "b.example"]);
    for (const audience of ["a.example", "b.example"]) {
      expect((await verify(shared, token, { audience })).payload.aud).toEqual(["a.example", "b.example"]);
    }
    await expect(verify(shared, token)).rejects.toThrow('"aud"');
  });

  test("until it is an hour old by the clock of its world, and no longer", async ({ start }) => {
    const mock = await start();
    const token = await tokenOf(mock.identity);
    const { payload } = await verify(mock, token);
    expect([payload.iat, payload.nbf]).toEqual(Array(2).fill(Math.floor(mock.clock.nowMs() / 1_000)));
    await mock.clock.advance("3599s");
    await expect(verify(mock, token)).resolves.toBeDefined();
    await mock.clock.advance("1s");
    await expect(verify(mock, token)).rejects.toThrow('"exp"');
    await expect(verify(mock, await tokenOf(mock.identity))).resolves.toBeDefined();
  });

  test("unless somebody has changed it", async ({ shared }) => {
    const [head, payload, signature] = (await tokenOf(shared.identity)).split(".");
    const changed = JSON.parse(Buffer.from(payload ?? "", "base64url").toString());
    const forged = Buffer.from(JSON.stringify({ ...changed, sub: "somebody else" })).toString("base64url");
    await expect(verify(shared, [head, forged, signature].join("."))).rejects.toThrow("signature");
  });
});

describe("GetIDToken", () => {
  test("wants at least one audience", async ({ shared }) => {
    expect(await codeOf(shared.identity.getIDToken({}))).toBe("invalid_argument");
    expect(await codeOf(shared.identity.getIDToken({ audience: [] }))).toBe("invalid_argument");
  });

  lax("wants none with validation off", async ({ shared }) => {
    const { aud, iss } = decodeJwt(await tokenOf(shared.identity, []));
    expect([aud, iss]).toEqual([[], shared.url]);
  });

  test("signs with one key, also for many who call at once, and no two tokens are alike", async ({
    shared,
  }) => {
    const identity = shared.client(IdentityService, { path: "/w/many" });
    const [jwks, ...tokens] = await Promise.all([
      getJson(`${shared.url}/w/many/.well-known/jwks.json`) as Promise<JSONWebKeySet>,
      ...Array.from({ length: 10 }, () => tokenOf(identity)),
    ]);
    expect(new Set(tokens.map((token) => decodeProtectedHeader(token).kid))).toEqual(
      new Set(jwks.keys.map(({ kid }) => kid)),
    );
    expect(new Set(tokens.map((token) => decodeJwt(token).jti)).size).toBe(10);
    for (const token of tokens) await verify(shared, token, { issuer: `${shared.url}/w/many` });
  });
});

describe("the claims", () => {
  const registered = ["aud", "exp", "iat", "iss", "jti", "nbf", "sub"];
  const claimsOf = async (mock: TestMock, bearer: string, version: IDTokenVersion) =>
    decodeJwt((await mock.client(IdentityService, { bearer }).getIDToken({ audience, version })).token);

  known.for([
    ["ACCOUNT", "acc"],
    ["USER", "user"],
    ["ENVIRONMENT", "env"],
    ["SERVICE_ACCOUNT", "svc"],
    ["RUNNER_MANAGER", "rnm"],
  ] as const)(
    "of PRINCIPAL_%s: %s in the subject, all by themselves in V2",
    async ([word, short], { shared }) => {
      const sub = `org:${organizationId}/${short}:${serviceId}`;
      for (const version of [ID_TOKEN_VERSION_UNSPECIFIED, ID_TOKEN_VERSION_V1]) {
        const claims = await claimsOf(shared, word, version);
        expect([Object.keys(claims).sort(), claims.sub]).toEqual([registered, sub]);
      }
      const { organization_id, principal, principal_id, ...rest } = await claimsOf(
        shared,
        word,
        ID_TOKEN_VERSION_V2,
      );
      expect([Object.keys(rest).sort(), rest.sub]).toEqual([registered, sub]);
      expect([organization_id, principal, principal_id]).toEqual([
        organizationId,
        word.toLowerCase(),
        serviceId,
      ]);
    },
  );

  test("of a runner: rnr in the subject", async ({ shared }) => {
    const { runnerId, accessToken } = await register(shared);
    const organization = (await shared.identity.getAuthenticatedIdentity({})).organizationId;
    const claims = await claimsOf(shared, accessToken, ID_TOKEN_VERSION_V2);
    const principal = { principal: "runner", principal_id: runnerId, organization_id: organization };
    expect(claims).toMatchObject({ ...principal, sub: `org:${organization}/rnr:${runnerId}` });
  });
});

describe("the issuer", () => {
  /** GetIDToken's issuer and the document's, asked for under another name of the mock. */
  async function issuersAt({ url }: TestMock, host: string, path = "") {
    const ask = async (method: string, rest: string, body = "") =>
      new Promise<Record<string, string>>((resolve, reject) => {
        const headers = { host, "content-type": "application/json" };
        const call = request(url + path + rest, { method, headers, agent: false }, (answer) =>
          json(answer).then((value) => resolve(value as Record<string, string>), reject),
        );
        call.on("error", reject).end(body);
      });
    const rpc = "/gitpod.v1.IdentityService/GetIDToken";
    const { token = "" } = await ask("POST", rpc, JSON.stringify({ audience }));
    const { issuer, jwks_uri } = await ask("GET", "/.well-known/openid-configuration");
    return [decodeJwt(token).iss, issuer, jwks_uri];
  }
  const published = (issuer: string) => [issuer, issuer, `${issuer}/.well-known/jwks.json`];

  test("is the mock under the name by which it was called", async ({ shared }) => {
    for (const path of ["", "/api"]) {
      expect(await issuersAt(shared, "runners.example", path)).toEqual(published("http://runners.example"));
      expect(await issuersAt(shared, "runners.example:81", path)).toEqual(
        published("http://runners.example:81"),
      );
    }
    const world = published("http://runners.example/w/a-world");
    for (const path of ["/w/a-world", "/w/a-world/api"]) {
      expect(await issuersAt(shared, "runners.example", path)).toEqual(world);
    }
  });

  behindProxy("is the option publicUrl, whatever the mock was called by", async ({ shared }) => {
    for (const host of ["runners.example", new URL(shared.url).host]) {
      expect(await issuersAt(shared, host)).toEqual(published("https://mock.example/base"));
      const world = published("https://mock.example/base/w/a-world");
      expect(await issuersAt(shared, host, "/w/a-world/api")).toEqual(world);
    }
  });

  test.for([
    [
      "Connect with binary over HTTP/2",
      (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: true }),
    ],
    ["gRPC", (baseUrl: string) => createGrpcTransport({ baseUrl })],
    ["gRPC-Web", (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" })],
  ] as const)("is the same for %s", async ([, transport], { shared }) => {
    const token = await tokenOf(shared.client(IdentityService, { transport }));
    expect((await verify(shared, token)).payload.iss).toBe(shared.url);
  });

  test("is each world by itself, with a key of its own", async ({ shared }) => {
    const worlds = ["", "/w/one", "/w/other"].map((path) => ({ path, issuer: shared.url + path }));
    for (const { path, issuer } of worlds) {
      const token = await tokenOf(shared.client(IdentityService, { path }));
      expect((await verify(shared, token, { issuer })).payload.iss).toBe(issuer);
      for (const other of worlds.filter((world) => world.path !== path)) {
        const url = `${other.issuer}/.well-known/jwks.json`;
        await expect(jwtVerify(token, createRemoteJWKSet(new URL(url)))).rejects.toThrow("no applicable key");
        const [key] = (await getJson(url)).keys;
        // Whatever the key is called.
        await expect(jwtVerify(token, await importJWK(key))).rejects.toThrow("signature");
      }
    }
  });
});
