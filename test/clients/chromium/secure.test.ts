/** Over TLS a browser chooses HTTP/2: the stories once more, and what the browser says that it has spoken. */
import type { PerformanceResourceTiming } from "node:perf_hooks";
import { afterAll, describe, expect } from "vitest";
import { everyRpc } from "../stories/every-rpc.ts";
import { lease } from "../stories/lease.ts";
import { paging } from "../stories/paging.ts";
import { watching } from "../stories/watching.ts";
import { tellThrough } from "../teller.ts";
import { endBrowser } from "./browser.ts";
import { chromiumKinds } from "./client.ts";
import { startSecure, test } from "./in-tab.ts";

afterAll(endBrowser);

const kinds = chromiumKinds("2").map((kind) => [`${kind.name}, ${kind.setting}`, kind] as const);
const stories = [lease, paging, watching, everyRpc].map((story) => [story.title, story] as const);

describe.for(kinds)("%s", ([, kind]) => {
  test.for(stories)("%s", async ([, story], { start, skip, task }) => {
    skip(kind.missing !== undefined, kind.missing);
    const mock = await startSecure(start, story.mock);
    task.meta.evidence = await tellThrough(kind, mock, story);
  });
});

test("the browser speaks h2, as it says itself and as the log has it", async ({ start, tab }) => {
  const mock = await startSecure(start);
  // A browser tells only pages of the same origin what it spoke: a frame of the mock's is one.
  await tab.page.setContent(`<iframe src="${mock.url}/healthz"></iframe>`);
  const frame = tab.page.frames()[1];
  const spoken = await frame?.evaluate(async (path) => {
    const headers = { "content-type": "application/json" };
    await (await fetch(path, { method: "POST", headers, body: "{}" })).json();
    const entries = performance.getEntries();
    const loaded = entries.filter((entry) => "nextHopProtocol" in entry);
    return loaded.map((entry) => {
      const { name, nextHopProtocol } = entry as PerformanceResourceTiming & { nextHopProtocol: string };
      return [new URL(name).pathname, nextHopProtocol];
    });
  }, "/gitpod.v1.RunnerService/ListRunners");
  expect(spoken).toEqual([
    ["/healthz", "h2"],
    ["/gitpod.v1.RunnerService/ListRunners", "h2"],
  ]);
  expect(mock.calls.list()).toMatchObject([{ httpVersion: "2", protocol: "connect" }]);
});
