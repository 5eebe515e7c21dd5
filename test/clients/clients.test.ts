/** Clients that others wrote, unmodified, each through every story; what is missing here is skipped and says so. */
import { afterAll, describe } from "vitest";
import { test } from "../support/mock.ts";
import { kinds } from "./kinds.ts";
import { configuring } from "./stories/configuring.ts";
import { errors } from "./stories/errors.ts";
import { everyRpc } from "./stories/every-rpc.ts";
import { lease } from "./stories/lease.ts";
import { observed } from "./stories/observed.ts";
import { paging } from "./stories/paging.ts";
import type { Story } from "./stories/story.ts";
import { watching } from "./stories/watching.ts";
import { tellThrough } from "./teller.ts";

const stories: readonly [string, Story][] = [
  lease,
  paging,
  watching,
  errors,
  observed,
  configuring,
  everyRpc,
].map((story) => [story.title, story]);

const titled = kinds.map((kind) => [[kind.name, kind.setting ?? []].flat().join(", "), kind] as const);

afterAll(() => Promise.all(kinds.map((kind) => kind.end?.())));

describe.for(titled)("%s", ([, kind]) => {
  test.for(stories)("%s", { timeout: 60_000 }, async ([title, story], { start, skip, task }) => {
    const why = kind.missing ?? kind.lacks?.[title];
    skip(why !== undefined, why);
    const mock = await start(story.mock);
    task.meta.evidence = await tellThrough(kind, mock, story);
  });
});
