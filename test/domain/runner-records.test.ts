/** Lists of stored registrations that have to be filtered: read in batches, of which the caller sees nothing. */
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { WorldClock } from "../../src/clock.ts";
import { Lease } from "../../src/domain/lease.ts";
import { RunnerRecords } from "../../src/domain/runner-records.ts";
import { RunnerSchema } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { switchesOf } from "../../src/profiles.ts";
import { stillTime } from "../support/mock.ts";
import { anybody, memoryStore } from "../support/parts.ts";

const idOf = (index: number) => String(index).padStart(5, "0");

test("a filtered list finds what matches however far apart it lies, and no more than it is asked for", async () => {
  const clock = new WorldClock(stillTime);
  const lease = new Lease({ leaseMs: 30_000, lapsedTtlMs: 0, switches: switchesOf("documented") });
  const records = new RunnerRecords(clock, memoryStore(clock), lease, 0);
  for (let index = 0; index < 2_500; index++) {
    const runner = create(RunnerSchema, { runnerId: idOf(index), status: {} });
    await records.add({ runner, organizationId: anybody.organization.id }, anybody.subject);
  }
  const matching = [0, 499, 500, 501, 999, 1_000, 1_700, 2_499].map(idOf);
  const matches = ({ runner }: { runner: { runnerId: string } }) => matching.includes(runner.runnerId);
  const list = async (limit: number, after?: string) =>
    (await records.list({ limit, after }, anybody, matches)).map(({ id }) => id);

  expect(await list(100)).toEqual(matching);
  expect(await list(3)).toEqual(matching.slice(0, 3));
  expect(await list(3, matching[2])).toEqual(matching.slice(3, 6));
  expect(await list(3, matching[7])).toEqual([]);
  expect(await records.list({ limit: 100 }, anybody, () => false)).toEqual([]);
});
