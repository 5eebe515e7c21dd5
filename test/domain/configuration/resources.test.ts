/** The life that all resources of a runner share: each test is told of each kind. */
import { create } from "@bufbuild/protobuf";
import { describe, expect } from "vitest";
import { ResourceType } from "../../../src/gen/gitpod/v1/event_pb.ts";
import { RunnerConfigurationService } from "../../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import {
  configurationOf,
  idsOf,
  type Kind,
  kinds,
  llmIntegration,
  signedUp,
} from "../../support/configuration.ts";
import { failureOf, type TestMock, test as withMock } from "../../support/mock.ts";
import { identities, usersOf } from "../../support/organizations.ts";
import { callOutcome, codeOf, register } from "../../support/registrations.ts";
import { sharing, test } from "../../support/shared-mock.ts";
import { violationsOf } from "../../support/violations.ts";
import { eventsOf, watching } from "../../support/watching.ts";

const unknownId = "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b";
const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const runnerNotFound = "not_found: runner not found";
const forgiving = sharing({ unknownIds: "empty" });
const deferring = sharing({ delete: "deferred" });
const organizations = sharing({ identities });

/** Each call about one resource. */
const callsOn = ({ get, update, touch, delete: remove }: Kind) =>
  [get, update, touch, remove].filter((call) => call !== undefined);

async function withOne(mock: TestMock, kind: Kind) {
  const client = configurationOf(mock);
  const runner = await signedUp(mock);
  return { client, runner, id: await kind.create(client, runner.runnerId) };
}

describe("is made and found by its id and in the lists:", () => {
  test.for(kinds)("%s", async ([, kind], { shared }) => {
    const { client, runner, id } = await withOne(shared, kind);
    const { runnerId } = runner;
    expect(id).toMatch(uuidV7);
    const resource = await kind.get(client, id);
    expect(resource).toMatchObject({ ...kind.made, id, runnerId });
    expect(await kind.get(client, id.toUpperCase())).toEqual(resource);
    expect((await kind.list(client, [runnerId])).items).toEqual([resource]);
    expect((await kind.list(client, [runnerId.toUpperCase()])).items).toEqual([resource]);
    expect((await kind.list(client, [unknownId])).items).toEqual([]);
    expect(await idsOf(kind, client)).toContain(id);
  });
});

describe("takes over what is set, and nothing else:", () => {
  test.for(kinds)("%s", async ([, kind], { shared }) => {
    const { client, runner, id } = await withOne(shared, kind);
    const before = await kind.get(client, id);
    await kind.touch(client, id);
    expect(await kind.get(client, id)).toEqual(before);
    await kind.update(client, id);
    const after = await kind.get(client, id);
    expect(after).toMatchObject({ ...kind.updated, id, runnerId: runner.runnerId });
    expect((await kind.list(client, [runner.runnerId])).items).toEqual([after]);
  });
});

describe("is gone once it is deleted:", () => {
  test.for(kinds.filter(([, kind]) => kind.delete))("%s", async ([, kind], { shared }) => {
    const { client, runner, id } = await withOne(shared, kind);
    const other = await kind.create(client, runner.runnerId, 1);
    await kind.delete?.(client, id);
    for (const call of callsOn(kind)) expect(await failureOf(call(client, id))).toBe(kind.notFound);
    expect(await idsOf(kind, client, [runner.runnerId])).toEqual([other]);
  });
});

describe("is not there by an id that is unknown, and not made on a runner that is:", () => {
  test.for(kinds)("%s", async ([, kind], { shared }) => {
    const client = configurationOf(shared);
    for (const call of callsOn(kind)) expect(await failureOf(call(client, unknownId))).toBe(kind.notFound);
    for (const call of callsOn(kind)) {
      const [violation = ""] = await violationsOf(call(client, "not-an-id"));
      expect(violation).toMatch(/^(environment_class_)?id string\.uuid$/);
    }
    expect(await failureOf(kind.create(client, unknownId))).toBe(runnerNotFound);
    expect(await violationsOf(kind.create(client, "runner-1"))).toEqual(["runner_id string.uuid"]);
  });

  forgiving.for(kinds)("%s, unless unknown ids read as empty", async ([, kind], { shared }) => {
    const client = configurationOf(shared);
    expect(await kind.get(client, unknownId)).toEqual(create(kind.desc, { id: unknownId }));
    for (const call of callsOn(kind)) expect(await codeOf(call(client, unknownId))).toBe("ok");
    expect(await kind.create(client, unknownId)).toMatch(uuidV7);
    expect(await idsOf(kind, client)).toEqual([]);
  });
});

describe("is heard of:", () => {
  withMock.for(kinds)("%s", async ([, kind], { mock }) => {
    const client = configurationOf(mock);
    const { runnerId, accessToken } = await signedUp(mock);
    const { type } = kind;
    const watch = await watching(eventsOf(mock), {
      resourceTypeFilters: [{ resourceType: ResourceType[type as keyof typeof ResourceType] }],
    });
    const id = await kind.create(client, runnerId);
    await kind.touch(client, id);
    await kind.update(client, id);
    expect(await watch.next(2)).toEqual([`CREATE ${type} ${id}`, `UPDATE ${type} ${id}`]);
    // Lapse and revival of its runner.
    await mock.clock.advance("30s");
    expect(await watch.next(1)).toEqual([`DELETE ${type} ${id}`]);
    await callOutcome(mock, accessToken);
    expect(await watch.next(1)).toEqual([`CREATE ${type} ${id}`]);
    if (kind.delete) await kind.delete(client, id);
    else await mock.runner.deleteRunner({ runnerId });
    expect(await watch.next(1)).toEqual([`DELETE ${type} ${id}`]);
  });

  test.for(kinds)("%s, in the audit log too, with who did it", async ([, kind], { shared }) => {
    const { client, id } = await withOne(shared, kind);
    await kind.update(client, id);
    const { subject } = await shared.identity.getAuthenticatedIdentity({});
    const { entries } = await eventsOf(shared).listAuditLogs({ filter: { subjectIds: [id] } });
    expect(entries.map(({ action, actorId }) => [action, actorId])).toEqual([
      ["update", subject?.id],
      ["create", subject?.id],
    ]);
    const operations = entries.map(({ subjectType }) => ResourceType[subjectType]);
    expect(operations).toEqual([kind.type, kind.type]);
  });
});

describe("lives and goes with its runner:", () => {
  test.for(kinds)("%s is hidden while that has lapsed", async ([, kind], { shared }) => {
    const { client, runner, id } = await withOne(shared, kind);
    const { runnerId, accessToken } = runner;
    const before = await kind.get(client, id);
    await shared.clock.advance("29.999s");
    expect(await kind.get(client, id)).toEqual(before);
    await shared.clock.advance(1);
    for (const call of callsOn(kind)) expect(await failureOf(call(client, id))).toBe(kind.notFound);
    expect(await failureOf(kind.create(client, runnerId, 1))).toBe(runnerNotFound);
    expect(await idsOf(kind, client, [runnerId])).toEqual([]);
    expect(await idsOf(kind, client)).not.toContain(id);
    await callOutcome(shared, accessToken);
    expect(await kind.get(client, id)).toEqual(before);
    expect(await idsOf(kind, client, [runnerId])).toEqual([id]);
  });

  deferring.for(kinds)(
    "%s goes at once with DeleteRunner, and takes no successor",
    async ([, kind], { shared }) => {
      const { client, runner, id } = await withOne(shared, kind);
      const { runnerId } = runner;
      await shared.runner.deleteRunner({ runnerId });
      for (const call of callsOn(kind)) expect(await failureOf(call(client, id))).toBe(kind.notFound);
      expect(await failureOf(kind.create(client, runnerId, 1))).toBe(runnerNotFound);
      expect(await idsOf(kind, client, [runnerId])).toEqual([]);
    },
  );
});

describe("is its organization's alone:", () => {
  organizations.for(kinds)("%s", async ([, kind], { shared }) => {
    const { bob } = usersOf(shared);
    const [mine, theirs] = [
      configurationOf(shared),
      shared.client(RunnerConfigurationService, { bearer: "bob-token" }),
    ];
    const [runner, other] = [await signedUp(shared), await signedUp(shared, undefined, bob)];
    const [id, otherId] = [
      await kind.create(mine, runner.runnerId),
      await kind.create(theirs, other.runnerId),
    ];
    const before = await kind.get(mine, id);
    for (const call of callsOn(kind)) expect(await failureOf(call(theirs, id))).toBe(kind.notFound);
    expect(await failureOf(kind.create(theirs, runner.runnerId, 1))).toBe(runnerNotFound);
    expect(await idsOf(kind, theirs)).toContain(otherId);
    expect(await idsOf(kind, theirs)).not.toContain(id);
    expect(await idsOf(kind, theirs, [runner.runnerId])).toEqual([]);
    expect(await kind.get(mine, id)).toEqual(before);
  });
});

describe("is listed page by page, oldest first:", () => {
  test.for(kinds)("%s", async ([, kind], { shared }) => {
    const client = configurationOf(shared);
    const [one, other] = [await signedUp(shared), await signedUp(shared)];
    const ids: string[] = [];
    for (let number = 0; number < 30; number++) {
      ids.push(await kind.create(client, one.runnerId, number));
      if (number % 3 === 0) await kind.create(client, other.runnerId, number);
    }
    expect(ids).toEqual(ids.toSorted());
    const runnerIds = [one.runnerId];
    expect(await idsOf(kind, client, runnerIds, 7)).toEqual(ids);
    expect((await kind.list(client, runnerIds)).items).toHaveLength(25);
    const all = await idsOf(kind, client, undefined, 7);
    expect(all.filter((id) => ids.includes(id))).toEqual(ids);
    expect(all).toEqual([...new Set(all)].toSorted());
    expect(await failureOf(kind.list(client, runnerIds, { token: "x" }))).toBe(
      'invalid_argument: invalid pagination token "x"',
    );
    expect(await violationsOf(kind.list(client, runnerIds, { pageSize: 101 }))).toEqual([
      "pagination.page_size int32.gte_lte",
    ]);
  });
});

test("many that want the same name at once: exactly one gets it", async ({ shared }) => {
  const client = configurationOf(shared);
  const { runnerId } = await signedUp(shared);
  const request = { runnerId, scmId: "gitlab", host: "race.example.com", pat: true };
  const outcomes = await Promise.all(
    Array.from({ length: 10 }, () => failureOf(client.createSCMIntegration(request))),
  );
  expect(outcomes.filter((outcome) => outcome === "ok")).toHaveLength(1);
  expect(new Set(outcomes)).toEqual(new Set(["ok", "already_exists: SCM integration already exists"]));
});

test("changes at once are all taken over", async ({ shared }) => {
  const { client, id } = await withOne(shared, llmIntegration);
  await Promise.all([
    client.updateLLMIntegration({ id, endpoint: "https://one.example.com" }),
    client.updateLLMIntegration({ id, maxTokens: 5n }),
    client.updateLLMIntegration({ id, apiKey: "hush-other" }),
    client.updateLLMIntegration({ id, phase: 3 }),
  ]);
  expect(await llmIntegration.get(client, id)).toMatchObject({
    endpoint: "https://one.example.com",
    maxTokens: 5n,
    phase: 3,
  });
});

test("a runner that has not signed up can be configured, but for secrets", async ({ shared }) => {
  const client = configurationOf(shared);
  const { runnerId } = await register(shared);
  const outcomes = Object.fromEntries(
    await Promise.all(
      kinds.map(async ([, kind]) => [kind.type, await failureOf(kind.create(client, runnerId))]),
    ),
  );
  expect(outcomes).toEqual({
    ENVIRONMENT_CLASS: "ok",
    RUNNER_SCM_INTEGRATION: "ok",
    RUNNER_LLM_INTEGRATION: "failed_precondition: runner does not have a public key",
    HOST_AUTHENTICATION_TOKEN: "ok",
  });
});
