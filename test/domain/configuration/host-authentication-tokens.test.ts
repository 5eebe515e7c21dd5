/** Host authentication tokens: whose they are, which there may be only one of, and that they never come out. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect } from "vitest";
import { Principal } from "../../../src/gen/gitpod/v1/identity_pb.ts";
import type {
  CreateHostAuthenticationTokenRequestSchema,
  HostAuthenticationTokenSource,
} from "../../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { configurationOf, signedUp, subjectIds } from "../../support/configuration.ts";
import { failureOf, startMs } from "../../support/mock.ts";
import { sharing, test } from "../../support/shared-mock.ts";
import { violationsOf } from "../../support/violations.ts";
import { eventsOf } from "../../support/watching.ts";

const [alice = "", bob = ""] = subjectIds;
const service = sharing({
  identities: { identities: [{ token: "service-token", principal: "PRINCIPAL_SERVICE_ACCOUNT", id: bob }] },
});
const exists = "already_exists: host authentication token already exists";
const integrationId = "5c2e1f0a-9b8d-4e7c-a6f5-00000000000e";
const github = { host: "github.com", token: "hush-token" };

describe("the subject is", () => {
  test.for([
    [
      "the one that is named",
      { subject: { id: alice.toUpperCase(), principal: Principal.SERVICE_ACCOUNT } },
      [alice, Principal.SERVICE_ACCOUNT, ""],
    ],
    ["the user that is named", { userId: alice.toUpperCase() }, [alice, Principal.USER, alice]],
    [
      "the subject, where both are",
      { userId: bob, subject: { id: alice, principal: Principal.USER } },
      [alice, Principal.USER, alice],
    ],
  ] as const)("%s", async ([, whose, [id, principal, userId]], { shared }) => {
    const { runnerId } = await signedUp(shared);
    const { token } = await configurationOf(shared).createHostAuthenticationToken({
      runnerId,
      ...github,
      ...whose,
    });
    expect(token).toMatchObject({ subject: { id, principal }, userId });
  });

  service("the caller, where nobody is named", async ({ shared }) => {
    const { runnerId } = await signedUp(shared);
    const { subject } = await shared.identity.getAuthenticatedIdentity({});
    const mine = await configurationOf(shared).createHostAuthenticationToken({ runnerId, ...github });
    expect(mine.token).toMatchObject({ subject, userId: subject?.id });
    const client = configurationOf(shared, { bearer: "service-token" });
    const { token } = await client.createHostAuthenticationToken({ runnerId, ...github });
    expect(token).toMatchObject({ subject: { id: bob, principal: Principal.SERVICE_ACCOUNT }, userId: "" });
  });
});

test("everything but the secrets comes back, and they are in no reply, log, state or call", async ({
  shared,
}) => {
  const client = configurationOf(shared);
  const { runnerId } = await signedUp(shared);
  const facts = {
    runnerId,
    host: "github.com",
    source: 1,
    expiresAt: timestampFromMs(startMs + 3_600_000),
    integrationId,
    scopes: ["repo", "user"],
  };
  const { token } = await client.createHostAuthenticationToken({
    ...facts,
    userId: alice,
    token: "hush-token",
    refreshToken: "hush-refresh",
  });
  expect(token).toMatchObject({ ...facts, userId: alice });
  const id = token?.id ?? "";
  const expiresAt = timestampFromMs(startMs + 7_200_000);
  await client.updateHostAuthenticationToken({
    id,
    token: "hush-other",
    refreshToken: "hush-more",
    expiresAt,
  });
  expect((await client.getHostAuthenticationToken({ id })).token).toEqual({ ...token, expiresAt });
  const calls = shared.calls.list().map(({ request, reply }) => [request, reply]);
  expect(`${shared.log}${JSON.stringify(calls)}${JSON.stringify(await shared.state.save())}`).not.toContain(
    "hush",
  );
});

test("another token is a change that is told, though nobody sees it", async ({ shared }) => {
  const client = configurationOf(shared);
  const { runnerId } = await signedUp(shared);
  const { token } = await client.createHostAuthenticationToken({ runnerId, userId: alice, ...github });
  const id = token?.id ?? "";
  for (const change of [{ token: "hush" }, { refreshToken: "hush" }]) {
    await client.updateHostAuthenticationToken({ id, ...change });
  }
  const { entries } = await eventsOf(shared).listAuditLogs({ filter: { subjectIds: [id] } });
  expect(entries.map(({ action }) => action)).toEqual(["update", "update", "create"]);
});

test("a second one for the same subject, host and runner is refused; any other is not", async ({
  shared,
}) => {
  const client = configurationOf(shared);
  const { runnerId } = await signedUp(shared);
  const add = (changes: object = {}) =>
    client.createHostAuthenticationToken({ runnerId, userId: alice, ...github, ...changes });
  const { token } = await add();
  expect(await failureOf(add())).toBe(exists);
  expect(await failureOf(add({ userId: "", subject: { id: alice, principal: Principal.ACCOUNT } }))).toBe(
    exists,
  );
  expect(await failureOf(add({ host: "GITHUB.com" }))).toBe(exists);
  expect(await failureOf(add({ host: "gitlab.com" }))).toBe("ok");
  expect(await failureOf(add({ userId: bob }))).toBe("ok");
  expect(await failureOf(add({ runnerId: (await signedUp(shared)).runnerId }))).toBe("ok");
  await client.deleteHostAuthenticationToken({ id: token?.id ?? "" });
  expect(await failureOf(add())).toBe("ok");
});

test("the list takes those of a runner, a user, a subject, and of all that are named", async ({ shared }) => {
  const client = configurationOf(shared);
  const [one, other] = [await signedUp(shared), await signedUp(shared)];
  const add = async (runnerId: string, whose: object) =>
    (await client.createHostAuthenticationToken({ runnerId, ...github, ...whose })).token?.id;
  const ids = {
    alice: await add(one.runnerId, { userId: alice }),
    bob: await add(one.runnerId, { subject: { id: bob, principal: Principal.SERVICE_ACCOUNT } }),
    elsewhere: await add(other.runnerId, { userId: alice }),
  };
  const listed = async (filter: object) => {
    const { tokens } = await client.listHostAuthenticationTokens({ filter });
    return tokens.map(({ id }) => id).filter((id) => Object.values(ids).includes(id));
  };
  expect(await listed({})).toEqual([ids.alice, ids.bob, ids.elsewhere]);
  expect(await listed({ runnerId: one.runnerId.toUpperCase() })).toEqual([ids.alice, ids.bob]);
  expect(await listed({ userId: alice.toUpperCase() })).toEqual([ids.alice, ids.elsewhere]);
  expect(await listed({ userId: bob })).toEqual([]);
  expect(await listed({ subjectId: bob })).toEqual([ids.bob]);
  expect(await listed({ subjectId: alice, runnerId: other.runnerId })).toEqual([ids.elsewhere]);
});

describe("is refused for", () => {
  test.for<[string, MessageInitShape<typeof CreateHostAuthenticationTokenRequestSchema>, string]>([
    ["no host", { host: "" }, "host string.min_len"],
    ["no token", { token: "" }, "token string.min_len"],
    ["an unknown source", { source: 9 as HostAuthenticationTokenSource }, "source enum.defined_only"],
    ["what is no user", { userId: "x" }, "user_id string.uuid"],
    ["what is no integration", { integrationId: "x" }, "integration_id string.uuid"],
    ["too many scopes", { scopes: Array.from({ length: 102 }, () => "x") }, "scopes repeated.max_items"],
  ])("%s", async ([, changes, violation], { shared }) => {
    const { runnerId } = await signedUp(shared);
    const request = { runnerId, ...github, ...changes };
    const call = configurationOf(shared).createHostAuthenticationToken(request);
    expect(await violationsOf(call)).toEqual([violation]);
  });
});
