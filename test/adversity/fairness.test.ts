/**
 * What each kind promises (docs/adversity.md): a client that does what the API asks of it gets through, whatever the
 * seed. This one calls again exactly once when it is asked to, and takes a second look where the first did not say all.
 */
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { describe, expect, onTestFinished, test } from "vitest";
import { type AdversityKind, adversityKinds } from "../../src/domain/adversity/kind.ts";
import { EventService, ResourceOperation } from "../../src/gen/gitpod/v1/event_pb.ts";
import { IdentityService } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerPhase, RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { type RunnerMock, startRunnerMock } from "../../src/index.ts";

type Format = "JSON" | "binary";

/** They follow redirects, which Connect's own do not; Node 20 can follow none with a body of mere bytes. */
const following: typeof fetch = (url, init) =>
  fetch(url, { ...init, body: new Blob([init?.body as Uint8Array<ArrayBuffer>]), redirect: "follow" });

function clientsOf(baseUrl: string, format: Format, bearer?: string) {
  const transport = createConnectTransport({
    baseUrl,
    useBinaryFormat: format === "binary",
    fetch: following,
    interceptors: [
      (next) => (request) => {
        if (bearer !== undefined) request.header.set("authorization", `Bearer ${bearer}`);
        return next(request);
      },
    ],
  });
  return {
    runner: createClient(RunnerService, transport),
    identity: createClient(IdentityService, transport),
    events: createClient(EventService, transport),
  };
}

const mayBeTriedAgain = (error: unknown) =>
  [Code.Unavailable, Code.ResourceExhausted].includes(ConnectError.from(error).code);

/** Calls again, once. */
async function patiently<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!mayBeTriedAgain(error)) throw error;
    return call();
  }
}

/**
 * What was written a moment ago may take another look, and so may a phase that is not known: read from JSON, it is the
 * unspecified one.
 */
async function phaseOf(runner: Client<typeof RunnerService>, runnerId: string): Promise<RunnerPhase> {
  const look = async () => (await patiently(() => runner.getRunner({ runnerId }))).runner?.status?.phase;
  const first = await look().catch((error) => {
    if (ConnectError.from(error).code !== Code.NotFound) throw error;
    return undefined;
  });
  const isKnown =
    first !== undefined && first !== RunnerPhase.UNSPECIFIED && RunnerPhase[first] !== undefined;
  return (isKnown ? first : await look()) ?? RunnerPhase.UNSPECIFIED;
}

/** The names of all runners, by their ids. */
async function list(runner: Client<typeof RunnerService>): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  let token = "";
  do {
    const pagination = { pageSize: 3, token };
    const page = await patiently(() => runner.listRunners({ pagination }));
    for (const { runnerId, name } of page.runners) all.set(runnerId, name);
    token = page.pagination?.nextToken ?? "";
  } while (token !== "");
  return all;
}

/**
 * Hears of runners until one of that name has been created. Once a watch has begun, it looks what there is, since nobody
 * tells of what has happened before. What it has created or heard of it looks for again where it does not see it at first:
 * of what went by while a watch was cut off, nothing else would tell.
 */
async function heardOf(
  { runner, events }: ReturnType<typeof clientsOf>,
  last: string,
  create: () => Promise<unknown>,
): Promise<void> {
  const done = new AbortController();
  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  // One look after another, as the calls of one who calls again have to come.
  let looking = Promise.resolve();
  const look = (resourceId?: string) => {
    looking = looking.then(async () => {
      let known = await list(runner);
      const isSeen = () => [...known.values()].includes(last);
      if (resourceId === undefined ? !isSeen() : !known.has(resourceId)) known = await list(runner);
      if (isSeen()) done.abort();
    });
    return looking;
  };
  const watch = async () => {
    while (!done.signal.aborted) {
      const onHeader = () => {
        begin();
        look().catch(() => {});
      };
      try {
        for await (const { operation, resourceId } of events.watchEvents(
          {},
          { signal: done.signal, onHeader },
        ))
          if (operation === ResourceOperation.CREATE) await look(resourceId);
      } catch (error) {
        if (!done.signal.aborted && !mayBeTriedAgain(error)) throw error;
      }
    }
  };
  const watching = watch();
  await Promise.race([begun, watching]);
  await create();
  await watching;
  await looking;
}

/** The life of two runners, as a client sees it. */
async function life(url: string, format: Format) {
  const user = clientsOf(url, format);
  const create = (name: string) =>
    patiently(() => user.runner.createRunner({ name, provider: RunnerProvider.AWS_EC2 }));
  const { runner, exchangeToken } = await create("Runner 1");
  const runnerId = runner?.runnerId ?? "";
  const phases = [await phaseOf(user.runner, runnerId)];
  const { accessToken } = await patiently(() => user.identity.exchangeToken({ exchangeToken }));
  phases.push(await phaseOf(user.runner, runnerId));
  const itself = clientsOf(url, format, accessToken);
  for (let i = 0; i < 5; i++) {
    const { subject } = await patiently(() => itself.identity.getAuthenticatedIdentity({}));
    expect(subject?.id).toBe(runnerId);
  }
  phases.push(await phaseOf(user.runner, runnerId));
  for (const last of ["Runner 3", "Runner 5"])
    await heardOf(user, last, async () => {
      await create(last.replace(/\d/, (digit) => String(Number(digit) - 1)));
      await create(last);
    });
  const names = async () => [...(await list(user.runner)).values()];
  const before = await names();
  await patiently(() => user.runner.deleteRunner({ runnerId }));
  return { phases, before, after: await names() };
}

const all = [1, 2, 3, 4, 5].map((number) => `Runner ${number}`);
const expected = {
  phases: [RunnerPhase.CREATED, RunnerPhase.INACTIVE, RunnerPhase.ACTIVE],
  before: all,
  after: all.slice(1),
};

/** In a world for each seed, all at once. */
async function getsThrough(seeds: readonly number[], level: number, kinds: readonly AdversityKind[]) {
  const mock = await startRunnerMock();
  onTestFinished(() => mock.close());
  const outcomes = await Promise.all(seeds.map((seed) => outcome(mock, seed, level, kinds)));
  expect(outcomes.map(({ seed, seen }) => ({ seed, seen }))).toEqual(
    seeds.map((seed) => ({ seed, seen: expected })),
  );
  const met = new Set(outcomes.flatMap(({ touched }) => touched));
  return [...met].sort();
}

async function outcome(mock: RunnerMock, seed: number, level: number, kinds: readonly AdversityKind[]) {
  const world = await mock.worlds.create(`seed-${seed}`);
  // However long it takes, no lease runs out.
  world.clock.freeze();
  await world.adversity.start({ seed, level, kinds });
  const seen = await life(world.url, seed % 2 === 0 ? "JSON" : "binary").catch((error) => String(error));
  return { seed, seen, touched: world.calls.list().flatMap(({ adversity }) => adversity?.kinds ?? []) };
}

describe("a client that does what it is asked to", () => {
  test("gets through all kinds at once, whatever the seed", async () => {
    const seeds = Array.from({ length: 60 }, (_, index) => index);
    expect(await getsThrough(seeds, 0.4, adversityKinds)).toEqual(adversityKinds.toSorted());
  }, 60_000);

  test.for(adversityKinds)("gets through %s wherever it can be met", async (kind) => {
    expect(await getsThrough([0, 1, 2, 3], 1, [kind])).toEqual([kind]);
  });
});
