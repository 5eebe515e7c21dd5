/** Starting and stopping adversity, over the wire and in process, and what tells of it. */
import { ConnectError, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { describe, expect } from "vitest";
import { type AdversityKind, adversityKinds } from "../../src/domain/adversity/kind.ts";
import { EventService } from "../../src/gen/gitpod/v1/event_pb.ts";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { ExplanationSchema } from "../../src/gen/runnermock/v1/explanation_pb.ts";
import { configurationOf, idsOf, kinds, signedUp } from "../support/configuration.ts";
import { test } from "../support/control.ts";
import { failureOf, type TestMock } from "../support/mock.ts";
import { rpc } from "../support/post.ts";
import { asRunner, codeOf, productionRunner, register } from "../support/registrations.ts";
import { eventsOf, watching } from "../support/watching.ts";

const many = async (mock: TestMock, count: number) => {
  const codes: string[] = [];
  for (let i = 0; i < count; i++) codes.push(await codeOf(mock.runner.listRunners({})));
  return codes;
};

const refused = { seed: 5, level: 1, kinds: ["rate-limits"] };

describe("adversity", () => {
  test("starts and stops, and says what it has come to", async ({ mock, control }) => {
    expect(await control.startAdversity({ adversity: refused })).toMatchObject({ adversity: refused });
    // Never two in a row.
    expect(await many(mock, 4)).toEqual(["resource_exhausted", "ok", "resource_exhausted", "ok"]);
    expect(mock.adversity.settings).toEqual(refused);
    await control.stopAdversity({});
    expect(await many(mock, 2)).toEqual(["ok", "ok"]);
    expect(mock.adversity.settings).toBeUndefined();
  });

  test("draws its seed where none is given, and has all kinds and a default level", async ({
    mock,
    control,
  }) => {
    const { adversity } = await control.startAdversity({});
    expect(adversity).toMatchObject({ level: 0.2, kinds: adversityKinds });
    expect(mock.adversity.settings?.seed).toBe(adversity?.seed);
    const { adversity: another } = await control.startAdversity({});
    expect(another?.seed).not.toBe(adversity?.seed);
  });

  test("has the same draws again when it is started again with its seed", async ({ mock }) => {
    const run = async (seed: number) => {
      await mock.adversity.start({ seed, level: 0.3, kinds: ["rate-limits"] });
      return many(mock, 40);
    };
    const [one, again, other] = [await run(1), await run(1), await run(2)];
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
    expect(one.filter((code) => code !== "ok").length).toBeGreaterThan(3);
  });

  test("draws nothing from what others call, nor from other RPCs", async ({ mock }) => {
    await mock.adversity.start({ seed: 1, level: 0.3, kinds: ["rate-limits"] });
    const alone = await many(mock, 30);
    await mock.adversity.start({ seed: 1, level: 0.3, kinds: ["rate-limits"] });
    const [amid, others]: [string[], string[]] = [[], []];
    for (let i = 0; i < 30; i++) {
      others.push(await codeOf(mock.identity.getAuthenticatedIdentity({})));
      amid.push(...(await many(mock, 1)));
    }
    expect(amid).toEqual(alone);
    expect(others).not.toEqual(alone);
  });

  test.for(["rate-limits", "unknown-enum-values"] as const)(
    "does the same to what a client is done with, whether or not %s has it call once more",
    async (asking, { mock }) => {
      const run = async (...kinds: AdversityKind[]) => {
        mock.calls.clear();
        await mock.adversity.start({ seed: 3, level: 0.4, kinds });
        const done = () =>
          mock.calls
            .list()
            .map(({ adversity }) => adversity?.kinds ?? [])
            .filter((met) => !met.includes(asking));
        while (done().length < 30) await many(mock, 1);
        return done();
      };
      const alone = await run("unknown-fields");
      expect(alone.filter((met) => met.length > 0).length).toBeGreaterThan(5);
      expect(await run("unknown-fields", asking)).toEqual(alone);
    },
  );

  test("lets injected faults go first", async ({ mock }) => {
    await mock.adversity.start(refused as never);
    await mock.faults.inject({ effect: { case: "error", value: { code: "aborted" } }, match: { count: 1 } });
    expect(await many(mock, 2)).toEqual(["aborted", "resource_exhausted"]);
  });

  test("stays in its world, and is over when that is reset", async ({ mock }) => {
    await mock.adversity.start(refused as never);
    expect(await codeOf(mock.client(RunnerService, { path: "/w/other" }).listRunners({}))).toBe("ok");
    await mock.reset();
    expect(await many(mock, 2)).toEqual(["ok", "ok"]);
  });

  test("of the options is that of every world, and of what it is reset to", async ({ start }) => {
    const mock = await start({ adversity: 9, adversityLevel: 1, adversityKinds: ["rate-limits"] });
    expect(await many(mock, 2)).toEqual(["resource_exhausted", "ok"]);
    expect(await codeOf(mock.client(RunnerService, { path: "/w/other" }).listRunners({}))).toBe(
      "resource_exhausted",
    );
    await mock.reset();
    expect(await many(mock, 2)).toEqual(["resource_exhausted", "ok"]);
  });

  test("whose seed is drawn at the start is drawn once for all worlds", async ({ start }) => {
    const mock = await start({ adversity: "on" });
    const other = await mock.worlds.create("other");
    expect(other.adversity.settings?.seed).toBe(mock.adversity.settings?.seed);
  });

  test.for([
    ["a level of nothing", { level: 0 }, /level 0 is not above 0 and up to 1/],
    ["a level beyond certainty", { level: 1.5 }, /level 1.5 is not/],
    [
      "a kind that there is not",
      { kinds: ["redirects", "short-page"] },
      /short-page.* are not some of rate-limits, /,
    ],
  ] as const)("is refused: %s", async ([, adversity, text], { mock, control }) => {
    await control.startAdversity({ adversity: refused });
    const failure = await failureOf(
      control.startAdversity({
        adversity: { ...adversity, kinds: [...("kinds" in adversity ? adversity.kinds : [])] },
      }),
    );
    expect(failure).toMatch(/^invalid_argument: cannot start adversity: /);
    expect(failure).toMatch(text);
    // What there was goes on.
    expect(mock.adversity.settings).toEqual(refused);
  });

  test.for([-1, 1.5, 2 ** 32, Number.NaN])("is refused: seed %d", async (seed, { mock }) => {
    const start = mock.adversity.start({ seed });
    await expect(start).rejects.toThrow("no whole number from 0 to 4294967295");
    await expect(start).rejects.toBeInstanceOf(ConnectError);
  });
});

describe("what adversity touches says so", () => {
  const told = '5;kinds="rate-limits"';

  test.for<[string, (baseUrl: string) => Transport]>([
    ["Connect", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" })],
    [
      "Connect's handlers",
      (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2", defaultTimeoutMs: 9_000 }),
    ],
    ["gRPC", (baseUrl) => createGrpcTransport({ baseUrl })],
    ["gRPC-Web", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" })],
  ])("in a header of replies and of errors, and in the call log: %s", async ([, transport], { mock }) => {
    const runner = mock.client(RunnerService, { transport });
    await mock.adversity.start({ seed: 5, level: 1, kinds: ["rate-limits", "unknown-fields"] });
    const error = await runner.listRunners({}).catch((reason) => ConnectError.from(reason));
    if (!(error instanceof ConnectError)) throw new Error("it did not fail");
    expect(error.metadata.get("runner-mock-adversity")).toBe(told);
    expect(error.metadata.get("runner-mock-fault")).toBeNull();
    expect(error.findDetails(ExplanationSchema)).toMatchObject([{ error: "adversity", blame: 4 }]);
    let header = new Headers();
    await runner.listRunners({}, { onHeader: (headers) => (header = headers) });
    expect(header.get("runner-mock-adversity")).toBe('5;kinds="unknown-fields"');
    await mock.adversity.stop();
    await runner.listRunners({}, { onHeader: (headers) => (header = headers) });
    expect(header.get("runner-mock-adversity")).toBeNull();
    expect(
      mock.calls.list().map(({ adversity, faultId }) => [adversity?.seed, adversity?.kinds, faultId]),
    ).toEqual([
      [5, ["rate-limits"], ""],
      [5, ["unknown-fields"], ""],
      [undefined, undefined, ""],
    ]);
  });

  test("in the header of a stream, and of one in JSON Lines that is refused", async ({ mock }) => {
    await mock.adversity.start({ seed: 5, level: 1, kinds: ["late-events"] });
    const watch = await watching(eventsOf(mock));
    expect(watch.header.get("runner-mock-adversity")).toBe('5;kinds="late-events"');
    await watch.end();
    await mock.adversity.start({ seed: 5, level: 1, kinds: ["rate-limits"] });
    const lines = await fetch(`${mock.url}/gitpod.v1.EventService/WatchEvents`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/jsonl" },
      body: "{}",
    });
    expect([lines.status, lines.headers.get("runner-mock-adversity")]).toEqual([429, told]);
    expect(lines.headers.get("retry-after-ms")).toMatch(/^\d+$/);
  });

  test("in the header of a redirect, which leads to where the call went, with its query and below its prefix", async ({
    mock,
  }) => {
    const { runnerId } = await register(mock);
    await register(mock);
    await mock.adversity.start({ seed: 5, level: 1, kinds: ["redirects"] });
    const url = `${mock.url}/w/default/api${rpc.listRunners}?pageSize=1`;
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
    const answer = await fetch(url, { ...init, redirect: "manual" });
    expect([answer.status, answer.headers.get("runner-mock-adversity")]).toEqual([
      308,
      '5;kinds="redirects"',
    ]);
    expect(new URL(answer.headers.get("location") ?? "", url).href).toBe(url);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    await (await fetch(url, init)).json();
    const followed = await fetch(url, init);
    expect(followed.redirected).toBe(true);
    expect(await followed.json()).toMatchObject({ runners: [{ runnerId }] });
  });

  test("and web pages can read it", async ({ mock }) => {
    const answer = await fetch(mock.url + rpc.listRunners, {
      method: "POST",
      headers: { "content-type": "application/json", origin: "https://example.com" },
      body: "{}",
    });
    expect(answer.headers.get("access-control-expose-headers")).toContain("runner-mock-adversity");
  });
});

describe("a read misses what its caller has created", () => {
  test.for(kinds)("be it %s, once, and only that", async ([, kind], { mock }) => {
    const client = configurationOf(mock);
    const { runnerId } = await signedUp(mock);
    const old = await kind.create(client, runnerId, 1);
    await mock.adversity.start({ level: 1, kinds: ["missed-reads"] });
    const id = await kind.create(client, runnerId, 2);
    expect(await failureOf(kind.get(client, id))).toBe(kind.notFound);
    expect(await idsOf(kind, client)).toEqual([old, id]);
    await kind.create(client, runnerId, 3);
    expect(await idsOf(kind, client)).toEqual([old, id]);
    expect(await idsOf(kind, client)).toHaveLength(3);
  });

  test("but not a runner that has registered itself again, nor what another caller has created", async ({
    mock,
  }) => {
    const { runnerId, accessToken } = await register(mock);
    await mock.adversity.start({ level: 1, kinds: ["missed-reads"] });
    const itself = asRunner(mock, accessToken);
    await itself.runner.createRunner(productionRunner);
    expect(await codeOf(itself.runner.getRunner({ runnerId }))).toBe("ok");
    await register(mock);
    expect(await codeOf(itself.runner.getRunner({ runnerId }))).toBe("ok");
    expect(mock.calls.list().flatMap(({ adversity }) => adversity ?? [])).toEqual([]);
  });
});

test("kinds that meet one call do what they do, each beside the others", async ({ mock }) => {
  await register(mock);
  const kinds = ["json-defaults", "unknown-enum-values", "unknown-fields", "json-layout"] as const;
  await mock.adversity.start({ level: 1, kinds });
  const answer = await fetch(mock.url + rpc.listRunners, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  const text = await answer.text();
  expect(JSON.parse(text)).toMatchObject({
    addedLater: "added later",
    pagination: { nextToken: "" },
    runners: [{ status: { phase: "RUNNER_PHASE_ADDED_LATER", message: "", addedLater: "added later" } }],
  });
  expect(text).not.toBe(JSON.stringify(JSON.parse(text)));
});

test("redirects are for clients of HTTP alone, and JSON's kinds for clients of JSON", async ({ mock }) => {
  await mock.adversity.start({ level: 1, kinds: ["redirects", "json-defaults", "json-layout"] });
  const grpc = mock.client(RunnerService, { transport: (baseUrl) => createGrpcTransport({ baseUrl }) });
  expect(await codeOf(grpc.listRunners({}))).toBe("ok");
  await watchOnce(mock);
  expect(mock.calls.list().map(({ adversity }) => adversity)).toEqual([undefined, undefined]);
});

/** In binary over gRPC. */
async function watchOnce(mock: TestMock): Promise<void> {
  const events = mock.client(EventService, { transport: (baseUrl) => createGrpcTransport({ baseUrl }) });
  const watch = await watching(events);
  await watch.end();
}
