/** The same seed and the same calls give the same run: in another process of time, with other ids, by another way. */

import { toJsonString } from "@bufbuild/protobuf";
import Gitpod from "@gitpod/sdk";
import { expect, onTestFinished, test } from "vitest";
import { CallSchema } from "../../src/gen/runnermock/v1/control_pb.ts";
import { type RunnerMock, type RunnerMockOptions, startRunnerMock } from "../../src/index.ts";
import { readerOf } from "../support/node-sdk.ts";

const provider = "RUNNER_PROVIDER_AWS_EC2";

/** What two users and two runners do, with reads that may miss and calls that may fail for good. */
async function story({ url, calls }: RunnerMock): Promise<void> {
  const client = new Gitpod({ baseURL: `${url}/api`, bearerToken: "My Bearer Token" });
  const accessTokens: string[] = [];
  for (let i = 0; i < 6; i++) {
    const { runner, exchangeToken = "" } = await client.runners.create({ name: `Runner ${i}`, provider });
    await client.runners.retrieve({ runnerId: runner.runnerId ?? "" }).catch(() => {});
    if (i < 2) accessTokens.push((await client.identity.exchangeToken({ exchangeToken })).accessToken ?? "");
  }
  for (const bearerToken of [...accessTokens, ...accessTokens, ...accessTokens])
    await client.withOptions({ bearerToken }).identity.getAuthenticatedIdentity({});
  for (let watches = 1; watches <= 3; watches++) {
    const stream = await client.events.watch({});
    const next = readerOf(stream);
    await calls.waitFor({ rpc: "WatchEvents" }, { count: watches });
    for (let i = 0; i < 4; i++) await client.runners.create({ name: `Watched ${i}`, provider });
    await next(4).catch(() => {});
    stream.controller.abort();
  }
  for await (const { runnerId = "" } of client.runners.list({ pagination: { pageSize: 3 } }))
    await client.runners.delete({ runnerId });
}

/** The log of a run as a text, without what is new in each: ids, page tokens (ids, too), times and durations. */
async function logOf(options: RunnerMockOptions): Promise<string[]> {
  const mock = await startRunnerMock(options);
  onTestFinished(() => mock.close());
  await story(mock);
  return (
    mock.calls
      .list()
      // How far a stream had got when its client left it hangs on who was faster.
      .map((call) => toJsonString(CallSchema, { ...call, duration: undefined, at: undefined, messages: 0 }))
      .map((text) =>
        text
          .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "ID")
          .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
          .replace(/("(?:next)?[tT]oken":"|[?&]token=)[\w-]+/g, "$1TOKEN"),
      )
  );
}

test("two runs of one seed are the same to the byte, but for ids and times, however fast they are", async () => {
  const options = { adversity: 42, adversityLevel: 0.4 };
  const [one, other] = [await logOf(options), await logOf({ ...options, lean: "off" })];
  expect(other).toEqual(one);
  const touched = one.filter((line) => line.includes('"adversity"'));
  expect(touched.length).toBeGreaterThan(20);
  expect(await logOf({ ...options, adversity: 43 })).not.toEqual(one);
}, 60_000);
