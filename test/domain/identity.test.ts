/** Who a bearer token stands for, with auth open and required. */

import { createClient } from "@connectrpc/connect";
import { describe, expect } from "vitest";
import { IdentityService, Principal } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { bearing, connectJson, failureOf, type TestMock } from "../support/mock.ts";
import { post, rpc } from "../support/post.ts";
import { asRunner, codeOf, productionRunner, register } from "../support/registrations.ts";
import { sharing, test } from "../support/shared-mock.ts";

const token = {
  alice: "alice-token",
  bob: "My Bearer Token",
  carol: "c=a,r:o/l+",
  dave: "rmock_access_dave",
};
const open = sharing({ token });
const required = sharing({ auth: "required", token });
const modes = { open, required };

/** The answer to a call with this Authorization header, or with none. */
async function whoami(mock: TestMock, authorization?: string) {
  const transport = connectJson(mock.url);
  const client = createClient(
    IdentityService,
    authorization === undefined ? transport : bearing(transport, authorization),
  );
  return client.getAuthenticatedIdentity({});
}

const idWith = async (mock: TestMock, authorization?: string) =>
  (await whoami(mock, authorization)).subject?.id ?? "";

const outcomeWith = (mock: TestMock, authorization?: string) => codeOf(whoami(mock, authorization));

describe("a configured token", () => {
  for (const [auth, test] of Object.entries(modes)) {
    test(`makes its user the caller, with auth: ${auth}`, async ({ shared }) => {
      const [alice, bob, carol] = [
        await idWith(shared, "Bearer alice-token"),
        await idWith(shared, "Bearer My Bearer Token"),
        await idWith(shared, "Bearer c=a,r:o/l+"),
      ];
      expect(new Set([alice, bob, carol]).size).toBe(3);
      for (const authorization of [
        "bearer alice-token",
        "BEARER alice-token",
        "Bearer   alice-token",
        "Bearer alice-token  ",
      ]) {
        expect(await idWith(shared, authorization)).toBe(alice);
      }
      expect(await idWith(shared, "bearer My Bearer Token")).toBe(bob);
    });

    test(`wins over what it looks like, with auth: ${auth}`, async ({ shared }) => {
      const { subject } = await whoami(shared, "Bearer rmock_access_dave");
      expect(subject?.principal).toBe(Principal.USER);
    });
  }

  required(
    "is the whole token: no part of it, and no other case, is good for anything",
    async ({ shared }) => {
      for (const bearer of ["alice", "alice-token2", "Alice-Token", "My", "My Bearer", "My  Bearer Token"]) {
        expect([bearer, await outcomeWith(shared, `Bearer ${bearer}`)]).toEqual([bearer, "unauthenticated"]);
      }
    },
  );
});

describe("with auth: open", () => {
  open("whoever shows no token, or a foreign one, is the default user", async ({ shared }) => {
    const defaultUser = await idWith(shared);
    for (const authorization of [
      "Bearer test-token",
      "Bearer My Other Token",
      "Bearer",
      "Bearer ",
      "Basic dXNlcjpwYXNz",
      "alice-token",
      "Bearerrmock_access_AAAA",
      "",
    ]) {
      expect([authorization, await idWith(shared, authorization)]).toEqual([authorization, defaultUser]);
    }
    expect(await idWith(shared, "Bearer alice-token")).not.toBe(defaultUser);
  });
});

describe("with auth: required", () => {
  required.for([
    ["none", undefined],
    ["a foreign one", "Bearer test-token"],
    ["an empty one", "Bearer "],
    ["one of another scheme", "Basic dXNlcjpwYXNz"],
    ["a configured one without its scheme", "alice-token"],
  ] as const)("a call needs a bearer: %s is refused", async ([, authorization], { shared }) => {
    expect(await outcomeWith(shared, authorization)).toBe("unauthenticated");
    const headers = authorization === undefined ? {} : { authorization };
    const answer = await post(shared.url + rpc.createRunner, productionRunner, headers);
    expect(answer).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
  });

  required(
    "a call without a bearer is told what to send, one with a bad bearer what is wrong",
    async ({ shared }) => {
      expect(await failureOf(whoami(shared))).toContain("Authorization: Bearer");
      expect(await failureOf(whoami(shared, "Bearer nope"))).toContain("invalid bearer token");
    },
  );

  required("who may not call learns nothing of the request's mistakes", async ({ shared }) => {
    expect(await codeOf(shared.runner.getRunner({ runnerId: "runner-1" }))).toBe("unauthenticated");
    expect(await codeOf(shared.runner.createRunner({}))).toBe("unauthenticated");
    expect(await codeOf(shared.runner.parseContextURL({}))).toBe("unauthenticated");
  });

  required("a runner's token is as good as a user's", async ({ shared }) => {
    const { runnerId, accessToken } = await register({
      runner: shared.client(RunnerService, { bearer: "alice-token" }),
    });
    expect(await codeOf(asRunner(shared, accessToken).runner.getRunner({ runnerId }))).toBe("ok");
  });

  required("probes need no bearer", async ({ shared }) => {
    for (const path of ["/healthz", "/readyz"]) expect((await fetch(shared.url + path)).status).toBe(200);
  });
});

describe("a bearer of our own form that is not valid here", () => {
  test.for(["open", "required"] as const)("is unauthenticated with auth: %s", async (auth, { start }) => {
    const mock = await start({ auth, token, accessTokenTtl: "10s", lapse: "never" });
    const alice = { runner: mock.client(RunnerService, { bearer: "alice-token" }) };
    const [expired, deleted] = [await register(alice), await register(alice)];
    await mock.clock.advance("10s");
    const revoked = await alice.runner.createRunnerToken({ runnerId: deleted.runnerId });
    await alice.runner.deleteRunner({ runnerId: deleted.runnerId });
    for (const bearer of [
      expired.accessToken,
      revoked.accessToken,
      deleted.exchangeToken,
      `${revoked.accessToken}A`,
      "rmock_access_AAAA",
      "rmock_access_",
      "rmock_",
      "rmock_something_new",
    ]) {
      expect([bearer, await outcomeWith(mock, `Bearer ${bearer}`)]).toEqual([bearer, "unauthenticated"]);
      expect(await codeOf(asRunner(mock, bearer).runner.listRunners({}))).toBe("unauthenticated");
    }
  });
});

describe("the ids of users", () => {
  test("are the same in every server, differ by name, and are nobody else's", async ({ start }) => {
    const names = [
      "alice",
      "bob",
      "Alice",
      "default",
      "organization",
      "runner",
      "ünï cödé",
      "a b",
      "__proto__",
    ];
    const tokens = Object.fromEntries(names.map((name, index) => [name, `token-${index}`]));
    const [one, other] = [
      await start({ token: tokens }),
      await start({ token: tokens, auth: "required", profile: "observed" }),
    ];
    const idsIn = (mock: TestMock) =>
      Promise.all(names.map((_, index) => idWith(mock, `Bearer token-${index}`)));
    const ids = await idsIn(one);
    expect(await idsIn(other)).toEqual(ids);
    const { subject, organizationId } = await whoami(one);
    expect(new Set([...ids, subject?.id, organizationId]).size).toBe(names.length + 2);
  });

  test("do not depend on the token, nor on who else is configured", async ({ start }) => {
    const [one, other] = [
      await start({ token: { alice: "one" } }),
      await start({ token: { bob: "x", alice: "other" } }),
    ];
    expect(await idWith(other, "Bearer other")).toBe(await idWith(one, "Bearer one"));
  });

  test("are the same in every world", async ({ start }) => {
    const mock = await start({ token });
    const inWorld = mock.client(IdentityService, { path: "/w/elsewhere", bearer: "alice-token" });
    const { subject, organizationId } = await inWorld.getAuthenticatedIdentity({});
    const here = await whoami(mock, "Bearer alice-token");
    expect([subject?.id, organizationId]).toEqual([here.subject?.id, here.organizationId]);
  });
});

describe("GetAuthenticatedIdentity", () => {
  test("names the user, the organization and its tier", async ({ shared }) => {
    const { subject, organizationId, organizationTier } = await whoami(shared);
    const uuid = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(subject).toMatchObject({ id: uuid, principal: Principal.USER });
    expect(organizationId).toEqual(uuid);
    expect(organizationTier).toBe("enterprise");
  });

  test("names the runner, in the same organization", async ({ shared }) => {
    const { runnerId, accessToken } = await register(shared);
    const identity = await whoami(shared, `Bearer ${accessToken}`);
    expect(identity.subject).toMatchObject({ id: runnerId, principal: Principal.RUNNER });
    const { organizationId, organizationTier } = await whoami(shared);
    expect(identity).toMatchObject({ organizationId, organizationTier });
  });

  test.for(["free_ona", "core", "enterprise"])(
    "names the option organizationTier: %s",
    async (tier, { start }) => {
      const mock = await start({ organizationTier: tier });
      const { accessToken } = await register(mock);
      expect((await whoami(mock)).organizationTier).toBe(tier);
      expect((await whoami(mock, `Bearer ${accessToken}`)).organizationTier).toBe(tier);
    },
  );
});
