/** The stories that other people's clients have to get through, told over every way in which calls can be carried. */
import { describe, expect } from "vitest";
import { configuring } from "../clients/stories/configuring.ts";
import { everyRpc } from "../clients/stories/every-rpc.ts";
import { lease } from "../clients/stories/lease.ts";
import { paging } from "../clients/stories/paging.ts";
import { watching } from "../clients/stories/watching.ts";
import { tellThrough } from "../clients/teller.ts";
import { test } from "../support/mock.ts";
import { connectNode } from "./connect-node.ts";
import { startFor, ways } from "./matrix.ts";

describe.for(ways.map((way) => [way.title, way] as const))("over %s", ([, way]) => {
  test.for([lease, paging, watching, configuring, everyRpc].map((story) => [story.title, story] as const))(
    "%s",
    async ([, story], { start, task }) => {
      const mock = await startFor(way, start);
      task.meta.evidence = await tellThrough(connectNode(way), mock, story);
    },
  );
});

test("the matrix has each protocol, codec, HTTP version, compression, with and without TLS", () => {
  expect(ways).toHaveLength(11 * 2 * 2 + 5);
  expect(new Set(ways.map(({ title }) => title)).size).toBe(ways.length);
});
