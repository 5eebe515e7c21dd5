/** Each kind of adversity as the official SDKs meet it, and what they make of it by themselves. */
import { describe, expect, onTestFinished } from "vitest";
import { systemTime } from "../../src/clock.ts";
import { type AdversityKind, adversityKinds } from "../../src/domain/adversity/kind.ts";
import type { JsonObject, Outcome, Session } from "../clients/client.ts";
import { nodeSdk } from "../clients/node-sdk/client.ts";
import { pythonSdkKinds } from "../clients/python-sdk/client.ts";
import { openMock, type TestMock, test } from "../support/mock.ts";

const [pythonSdk] = pythonSdkKinds;
const clients = [nodeSdk, ...(pythonSdk === undefined ? [] : [pythonSdk])];
const seed = 7;

const create = "RunnerService/CreateRunner";
const get = "RunnerService/GetRunner";
const list = "RunnerService/ListRunners";
const provider = "RUNNER_PROVIDER_AWS_EC2";

interface Met {
  readonly mock: TestMock;
  readonly session: Session;
  readonly open: () => Promise<Session>;
  /** How the calls of an RPC ended: their codes, with a star where adversity met them. */
  readonly calls: (rpc: string) => string[];
}

/** A runner's id, once the client has got it created. */
async function created({ session }: Met): Promise<string> {
  const { runner } = reply(await session.call(create, { name: "Unlucky", provider }));
  return (runner as { runnerId: string }).runnerId;
}

function reply(outcome: Outcome): JsonObject {
  if ("error" in outcome) throw new Error(`${outcome.error.code}: ${outcome.error.message}`);
  return outcome.reply;
}

const operations = (events: readonly JsonObject[]) =>
  events.map(({ operation }) => String(operation).replace("RESOURCE_OPERATION_", ""));

/** What becomes of a client that is met by a kind wherever it can be met. */
const seen: Readonly<Record<AdversityKind, (met: Met) => Promise<void>>> = {
  "rate-limits": async (met) => {
    await created(met);
    expect(met.calls("CreateRunner")).toEqual(["resource_exhausted*", "ok"]);
  },
  "refused-renewals": async ({ session, calls }) => {
    const { exchangeToken } = reply(await session.call(create, { name: "Unlucky", provider }));
    const { accessToken } = reply(
      await session.call("IdentityService/ExchangeToken", { exchangeToken: String(exchangeToken) }),
    );
    const bearer = String(accessToken);
    for (let i = 0; i < 2; i++)
      reply(await session.call("IdentityService/GetAuthenticatedIdentity", {}, bearer));
    expect(calls("CreateRunner")).toEqual(["ok"]);
    expect(calls("ExchangeToken")).toEqual(["unavailable*", "ok"]);
    expect(calls("GetAuthenticatedIdentity")).toEqual(["unavailable*", "ok", "unavailable*", "ok"]);
  },
  redirects: async (met) => {
    await created(met);
    expect(reply(await met.session.call(list, {})).runners).toHaveLength(1);
    expect([met.calls("CreateRunner"), met.calls("ListRunners")]).toEqual([
      ["unavailable*", "ok"],
      ["unavailable*", "ok"],
    ]);
  },
  "missed-reads": async (met) => {
    const runnerId = await created(met);
    const missed = await met.session.call(get, { runnerId });
    expect(missed).toEqual({ error: { code: "not_found", message: "runner not found" } });
    expect(reply(await met.session.call(get, { runnerId })).runner).toMatchObject({ runnerId });
    expect(met.calls("GetRunner")).toEqual(["not_found*", "ok"]);
  },
  "short-pages": async (met) => {
    const ids: string[] = [];
    for (let i = 0; i < 6; i++) ids.push(await created(met));
    const runners = (await met.session.list?.(list, { pagination: { pageSize: 100 } })) ?? [];
    expect(runners.map(({ runnerId }) => runnerId)).toEqual(ids);
    expect(met.calls("ListRunners").length).toBeGreaterThan(1);
  },
  "cut-streams": async (met) => {
    const watch = await begun(met);
    for (let i = 0; i < 4; i++) await created(met);
    await expect(watch.next(4)).rejects.toThrow();
    // A watch that was cut is followed by one that is not.
    const other = { ...met, session: await met.open() };
    const again = await begun(other, 2);
    for (let i = 0; i < 5; i++) await created(other);
    expect(operations(await again.next(4))).toEqual(["CREATE", "CREATE", "CREATE", "CREATE"]);
    await again.end();
    expect(met.calls("WatchEvents")).toEqual(["unavailable*", expect.stringMatching(/^[a-z]+$/)]);
  },
  "slow-streams": heldBack,
  "late-events": heldBack,
  "repeated-events": async (met) => {
    const first = await begun(met);
    for (let i = 0; i < 4; i++) await created(met);
    await first.next(3);
    await first.end();
    const again = await begun(met, 2);
    reply(await met.session.call("RunnerService/DeleteRunner", { runnerId: await created(met) }));
    // What it has heard before.
    expect(operations(await again.next(1))).toEqual(["CREATE"]);
    await again.end();
    expect(met.calls("WatchEvents")[1]).toMatch(/\*$/);
  },
  "unknown-enum-values": async (met) => {
    // The reply to the creation is the first.
    expect(phaseOf(reply(await met.session.call(create, { name: "Unlucky", provider })))).toBe(
      "RUNNER_PHASE_ADDED_LATER",
    );
    const runnerId = await created(met);
    expect(phaseOf(reply(await met.session.call(get, { runnerId })))).toBe("RUNNER_PHASE_ADDED_LATER");
    expect(phaseOf(reply(await met.session.call(get, { runnerId })))).toBe("RUNNER_PHASE_CREATED");
  },
  "json-defaults": async (met) => {
    const { runner } = reply(await met.session.call(get, { runnerId: await created(met) }));
    expect(runner).toMatchObject({ name: "Unlucky", provider, status: { message: "", region: "" } });
  },
  "unknown-fields": async (met) => {
    const { runner, addedLater } = reply(await met.session.call(get, { runnerId: await created(met) }));
    expect({ runner, addedLater }).toMatchObject({
      addedLater: "added later",
      runner: { name: "Unlucky", addedLater: "added later" },
    });
  },
  "json-layout": async (met) => {
    const runnerId = await created(met);
    const unkind = reply(await met.session.call(get, { runnerId }));
    await met.mock.adversity.stop();
    expect(unkind).toEqual(reply(await met.session.call(get, { runnerId })));
  },
};

async function heldBack(met: Met): Promise<void> {
  const watch = await begun(met);
  const runnerId = await created(met);
  reply(await met.session.call("RunnerService/DeleteRunner", { runnerId }));
  // Python's hands a line on once it has seen another one behind it.
  await created(met);
  expect(operations(await watch.next(2))).toEqual(["CREATE", "DELETE"]);
  await watch.end();
  expect(met.calls("WatchEvents")[0]).toMatch(/\*$/);
}

/** A watch of which the mock knows. @param count how many there are then */
async function begun({ mock, session }: Met, count = 1) {
  const watch = await session.watch({});
  await mock.calls.waitFor({ rpc: "WatchEvents" }, { count });
  return watch;
}

const phaseOf = ({ runner }: JsonObject) => (runner as { status: JsonObject }).status.phase;

describe.for(clients.map((client) => [client.name, client] as const))("%s", ([, client]) => {
  test.for(adversityKinds)("meets %s", async (kind, { skip }) => {
    skip(client.missing !== undefined, client.missing);
    const options = { adversity: seed, adversityLevel: 1, adversityKinds: [kind] };
    const mock = await openMock(options, systemTime);
    onTestFinished(() => mock.close());
    const open = async () => {
      const session = await client.open(mock.url);
      onTestFinished(() => session.close());
      return session;
    };
    const calls = (rpc: string) =>
      mock.calls.list({ rpc }).map(({ error, adversity }) => `${error?.code ?? "ok"}${adversity ? "*" : ""}`);
    await seen[kind]({ mock, session: await open(), open, calls });
    const touched = mock.calls.list().flatMap(({ adversity }) => adversity ?? []);
    expect(touched).not.toHaveLength(0);
    for (const touch of touched) expect(touch).toMatchObject({ seed, kinds: [kind] });
  });
});
