/** What resources promise where calls meet: called directly, since those that come by sockets hardly ever do. */
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { WorldClock } from "../../src/clock.ts";
import { Lease } from "../../src/domain/lease.ts";
import { RunnerRecords } from "../../src/domain/runner-records.ts";
import { type ResourceKind, RunnerResources } from "../../src/domain/runner-resources.ts";
import { Runners } from "../../src/domain/runners.ts";
import { errors } from "../../src/errors.ts";
import { ResourceType } from "../../src/gen/gitpod/v1/event_pb.ts";
import { SCMIntegrationSchema } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerSchema } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { createIds } from "../../src/ids.ts";
import { switchesOf } from "../../src/profiles.ts";
import { countingRandom, failureOf, stillTime } from "../support/mock.ts";
import { anybody, memoryStore } from "../support/parts.ts";

interface Request {
  readonly runnerId: string;
  readonly host: string;
}

/** Something with a name that all runners share, as no real kind has it. @param making what happens meanwhile */
async function resourcesWith(making: () => Promise<void> = async () => {}) {
  const clock = new WorldClock(stillTime);
  const store = memoryStore(clock);
  const switches = switchesOf("documented");
  const lease = new Lease({ leaseMs: 30_000, lapsedTtlMs: 0, switches });
  const records = new RunnerRecords(clock, store, lease, 0);
  for (const runnerId of ["one", "other"]) {
    const runner = create(RunnerSchema, { runnerId, status: {} });
    await records.add({ runner, organizationId: anybody.organization.id }, anybody.subject);
  }
  const kind: ResourceKind<typeof SCMIntegrationSchema, Request, Partial<Request> & { scmId?: string }> = {
    collection: "things",
    resourceType: ResourceType.RUNNER_SCM_INTEGRATION,
    desc: SCMIntegrationSchema,
    notFound: errors.scmIntegrationNotFound,
    unique: { nameOf: ({ host }) => [host], exists: errors.scmIntegrationExists },
    async made({ host }) {
      await making();
      return { host };
    },
    async changed(resource, changes) {
      await making();
      return { ...resource, ...changes };
    },
  };
  const surroundings = { records, runners: new Runners(records, switches), store, switches };
  const ids = createIds(clock, countingRandom());
  return { records, resources: new RunnerResources(kind, { ...surroundings, ids }) };
}

describe("a resource", () => {
  test("of a runner that goes while it is made is not made, and leaves its name to others", async () => {
    const { records, resources } = await resourcesWith(async () => records.remove("one", undefined));
    const made = resources.create({ runnerId: "one", host: "a" }, anybody);
    expect(await failureOf(made)).toBe("not_found: runner not found");
    const { id } = await resources.create({ runnerId: "other", host: "a" }, anybody);
    expect((await resources.list({}, undefined, anybody)).items.map((item) => item.id)).toEqual([id]);
  });

  test("that many change at once loses no change", async () => {
    const { resources } = await resourcesWith();
    const { id } = await resources.create({ runnerId: "one", host: "a" }, anybody);
    await Promise.all([
      resources.update(id, { host: "b" }, anybody),
      resources.update(id, { scmId: "github" }, anybody),
    ]);
    expect(await resources.get(id, anybody)).toMatchObject({ host: "b", scmId: "github" });
  });

  test("that many delete at once is gone for all but one of them", async () => {
    const { resources } = await resourcesWith();
    const { id } = await resources.create({ runnerId: "one", host: "a" }, anybody);
    const outcomes = await Promise.all([1, 2, 3].map(() => failureOf(resources.delete(id, anybody))));
    expect(outcomes.sort()).toEqual([
      "not_found: SCM integration not found",
      "not_found: SCM integration not found",
      "ok",
    ]);
  });
});

test("a list of several runners is in one order, whatever the order of the runners", async () => {
  const { resources } = await resourcesWith();
  const ids: string[] = [];
  for (let number = 0; number < 30; number++) {
    const runnerId = number % 2 === 0 ? "one" : "other";
    ids.push((await resources.create({ runnerId, host: `${number}` }, anybody)).id);
  }
  const selection = { runnerIds: ["other", "one", "other"] };
  const first = await resources.list(selection, undefined, anybody);
  expect(first.items.map(({ id }) => id)).toEqual(ids.slice(0, 25));
  const { pagination } = first;
  const { nextToken: token } = pagination;
  const second = await resources.list(
    selection,
    { $typeName: "gitpod.v1.PaginationRequest", token, pageSize: 0 },
    anybody,
  );
  expect(second.items.map(({ id }) => id)).toEqual(ids.slice(25));
});
