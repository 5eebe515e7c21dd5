/**
 * What has to hold whatever happens: under races, while replicas are killed, and while the engine is. A few rounds of
 * each; `npm run verify` runs all of them, with SHARED_PROOFS=full.
 */
import { type ClientHttp2Session, connect } from "node:http2";
import { setTimeout as passed } from "node:timers/promises";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { describe, expect, onTestFinished } from "vitest";
import { IdentityService } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { type Running, test as withCommandLine } from "../support/command-line.ts";
import { connectJson } from "../support/mock.ts";
import { redisProgram } from "../support/redis-server.ts";
import { openShared, storeKey, test } from "../support/replicas.ts";

const isFull = process.env.SHARED_PROOFS === "full";
const [rounds, callers, kills, outages] = isFull ? [200, 1_000, 50, 10] : [3, 100, 3, 2];
const timeout = isFull ? 3_600_000 : 120_000;

const aws = { name: "My Runner", provider: 1 };

/** With it the engine has on disk what it has acknowledged. */
const durable = ["--appendonly", "yes", "--appendfsync", "always"];

const runnersAt = (url: string) => createClient(RunnerService, connectJson(url));
const identityAt = (url: string) => createClient(IdentityService, connectJson(url));

/** The options of a replica as a process of its own. */
const serving = (store: string) => {
  const sharing = [
    "--store",
    store,
    "--store-key",
    storeKey,
    "--max-concurrent-streams",
    String(4 * callers),
  ];
  return [...sharing, "--control-port", "off", "--log-level", "error"];
};

/** How HTTP says that a token is refused. */
const unauthenticated = 401;

/** The status of a call of ExchangeToken; all of a session's are under way at once. */
function exchangeStatus(session: ClientHttp2Session, body: string): Promise<number> {
  const path = `/${IdentityService.typeName}/ExchangeToken`;
  const call = session.request({ ":method": "POST", ":path": path, "content-type": "application/json" });
  return new Promise((resolve, reject) => {
    let status = 0;
    call.on("response", (headers) => {
      status = Number(headers[":status"]);
    });
    // By then the server has room for another.
    call.on("close", () => resolve(status));
    call.on("error", reject);
    call.resume().end(body);
  });
}

/** The ids of all runners that stand. */
async function standing(runners: Client<typeof RunnerService>): Promise<Set<string>> {
  const ids = new Set<string>();
  for (let token = ""; ; ) {
    const reply = await runners.listRunners({ pagination: { pageSize: 100, token } });
    for (const { runnerId } of reply.runners) ids.add(runnerId);
    token = reply.pagination?.nextToken ?? "";
    if (token === "") return ids;
  }
}

interface Hearing {
  readonly created: readonly string[];
  stop(): void;
}

/** The ids of the runners whose creation is heard at that replica from now on. */
async function hearing(url: string): Promise<Hearing> {
  const created: string[] = [];
  const stopped = new AbortController();
  const response = await fetch(`${url}/gitpod.v1.EventService/WatchEvents`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/jsonl" },
    body: "{}",
    signal: stopped.signal,
  });
  const read = async () => {
    let rest = "";
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines.filter((one) => one !== "")) {
        const { operation, resourceId } = JSON.parse(line);
        if (operation === "RESOURCE_OPERATION_CREATE") created.push(resourceId);
      }
    }
  };
  read().catch(() => {});
  onTestFinished(() => stopped.abort());
  return { created, stop: () => stopped.abort() };
}

/** Whatever was acknowledged stands at that replica, and who watched at another has heard of it once. */
async function expectAllThere(acknowledged: readonly string[], url: string, heard: Hearing): Promise<void> {
  const there = await standing(runnersAt(url));
  expect(acknowledged.filter((id) => !there.has(id))).toEqual([]);
  await expect
    .poll(() => acknowledged.filter((id) => !heard.created.includes(id)), { timeout: 10_000 })
    .toEqual([]);
  expect(heard.created.length).toBe(new Set(heard.created).size);
  heard.stop();
}

describe.skipIf(redisProgram === undefined)("on a shared store,", () => {
  withCommandLine(
    `of ${3 * callers} who exchange one token at three replicas at once exactly one gets through, ${rounds} times`,
    { timeout },
    async ({ commandLine }) => {
      const shared = await openShared();
      onTestFinished(() => shared.close());
      const replicas = await Promise.all([1, 2, 3].map(() => commandLine.serve(serving(shared.server.url))));
      const sessions = replicas.map(({ url }) => connect(url));
      for (let round = 0; round < rounds; round++) {
        const { exchangeToken } = await runnersAt(replicas[round % 3]?.url ?? "").createRunner(aws);
        const body = JSON.stringify({ exchangeToken });
        const attempts = sessions.flatMap((session) =>
          Array.from({ length: callers }, () => exchangeStatus(session, body)),
        );
        const statuses = await Promise.all(attempts);
        const refused = statuses.filter((status) => status === unauthenticated);
        const through = statuses.filter((status) => status === 200);
        expect([round, through.length, refused.length]).toEqual([round, 1, 3 * callers - 1]);
      }
      for (const session of sessions) session.destroy();
    },
  );

  withCommandLine(
    `while replicas are killed, ${kills} times, no token is exchanged twice, nothing acknowledged is lost, and a watcher at another hears it all`,
    { timeout },
    async ({ commandLine }) => {
      const shared = await openShared(durable);
      onTestFinished(() => shared.close());
      const serve = () => commandLine.serve([...serving(shared.server.url), "--lapse", "never"]);
      const replicas: Running[] = [await serve(), await serve(), await serve()];
      const watched = replicas[0]?.url ?? "";
      const heard = await hearing(watched);
      const urls = () => replicas.map(({ url }) => url);
      const acknowledged: string[] = [];
      let [exchangedTwice, done] = [0, false];

      const work = async (worker: number) => {
        for (let turn = worker; !done; turn++) {
          const at = (shift: number) => urls()[(turn + shift) % replicas.length] ?? "";
          try {
            const { runner, exchangeToken } = await runnersAt(at(0)).createRunner(aws);
            acknowledged.push(runner?.runnerId ?? "");
            const attempts = [0, 1, 2, 1].map((shift) =>
              identityAt(at(shift)).exchangeToken({ exchangeToken }),
            );
            const through = (await Promise.allSettled(attempts)).filter(
              ({ status }) => status === "fulfilled",
            );
            if (through.length > 1) exchangedTwice++;
          } catch {
            // It was killed under it.
          }
        }
      };
      const workers = Array.from({ length: 4 }, (_, worker) => work(worker));
      for (let kill = 0; kill < kills; kill++) {
        await passed(300);
        const victim = 1 + (kill % 2);
        replicas[victim]?.signal("SIGKILL");
        await replicas[victim]?.ended;
        replicas[victim] = await serve();
      }
      done = true;
      await Promise.all(workers);

      expect(acknowledged.length).toBeGreaterThan(10 * kills);
      expect(exchangedTwice).toBe(0);
      await expectAllThere(acknowledged, replicas[2]?.url ?? "", heard);
    },
  );

  test(`while the engine is killed and started, ${outages} times, calls are unavailable or hold, and watchers miss nothing`, {
    timeout,
  }, async () => {
    const shared = await openShared(durable);
    onTestFinished(() => shared.close());
    const replicas = await shared.replicas(3, { lapse: "never" });
    const heard = await hearing(replicas[1]?.url ?? "");
    const acknowledged: string[] = [];
    const codes = new Set<Code>();
    let done = false;
    const work = async (worker: number) => {
      for (let turn = worker; !done; turn++) {
        const { runner } = replicas[turn % replicas.length] ?? {};
        try {
          acknowledged.push((await runner?.createRunner(aws))?.runner?.runnerId ?? "");
        } catch (error) {
          codes.add(ConnectError.from(error).code);
          await passed(5);
        }
      }
    };
    const workers = Array.from({ length: 4 }, (_, worker) => work(worker));
    for (let outage = 0; outage < outages; outage++) {
      await passed(500);
      await shared.server.kill();
      await passed(300);
      const before = acknowledged.length;
      await shared.server.run();
      // All come back by themselves.
      await expect.poll(() => acknowledged.length, { timeout: 15_000 }).toBeGreaterThan(before + 10);
    }
    done = true;
    await Promise.all(workers);

    expect([...codes]).toEqual([Code.Unavailable]);
    await expectAllThere(acknowledged, replicas[2]?.url ?? "", heard);
  });
});
