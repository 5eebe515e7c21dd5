/** Watchers that do not keep up: what waits for each of them is bounded, and others do not notice. */
import { once } from "node:events";
import { connect } from "node:http2";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { describe, expect, onTestFinished, test as unitTest } from "vitest";
import { Backlog } from "../../src/domain/backlog.ts";
import { type TestMock, test } from "../support/mock.ts";
import { register } from "../support/registrations.ts";
import { eventsOf, watching } from "../support/watching.ts";

interface Message {
  readonly resourceId?: string;
  /** In the last one, if the stream failed. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** A watch over HTTP/2 that has begun, and leaves next to no room for what is not read. */
async function watchUnread(mock: TestMock) {
  const session = connect(mock.url, { settings: { initialWindowSize: 1024 } });
  onTestFinished(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": "/gitpod.v1.EventService/WatchEvents",
    "content-type": "application/connect+json",
  });
  stream.end(encodeEnvelope(0, Buffer.from("{}")));
  await once(stream, "response");
  /** Begins to read: its messages, the last of which says how it ended. */
  return async function* read(): AsyncGenerator<Message> {
    let bytes = Buffer.alloc(0);
    for await (const chunk of stream) {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 5 && bytes.length >= 5 + bytes.readUInt32BE(1)) {
        const end = 5 + bytes.readUInt32BE(1);
        yield JSON.parse(bytes.toString("utf8", 5, end));
        bytes = bytes.subarray(end);
      }
    }
  };
}

/** Registers runners, each once the watcher that reads has heard of the one before; resolves with their ids. */
async function registerMany(mock: TestMock, count: number): Promise<string[]> {
  const reader = await watching(eventsOf(mock));
  const ids: string[] = [];
  while (ids.length < count) {
    const { runnerId } = await register(mock);
    ids.push(runnerId);
    expect(await reader.next(1)).toEqual([`CREATE RUNNER ${runnerId}`]);
  }
  return ids;
}

/** More events than Node itself keeps for a stream that nobody reads: 16 KiB in version 20, 64 KiB from 22 on. */
const MANY = 1200;

describe("a watcher that does not read", () => {
  test("is told so once more events wait than may, while another hears them all", async ({ start }) => {
    const mock = await start({ maxWatchBacklog: 10 });
    const read = await watchUnread(mock);
    const ids = await registerMany(mock, MANY);
    const messages: Message[] = [];
    for await (const message of read()) messages.push(message);
    expect(messages.pop()?.error).toMatchObject({
      code: "resource_exhausted",
      message: "the watcher does not keep up: 10 events wait for it",
    });
    // Up to there it missed nothing.
    expect(messages.length).toBeLessThan(MANY);
    expect(messages.map(({ resourceId }) => resourceId)).toEqual(ids.slice(0, messages.length));
    // It can begin again.
    const again = await watching(eventsOf(mock));
    const { runnerId } = await register(mock);
    expect(await again.next(1)).toEqual([`CREATE RUNNER ${runnerId}`]);
  });

  test("hears everything later, where as many may wait", async ({ start }) => {
    const mock = await start({ maxWatchBacklog: MANY });
    const read = await watchUnread(mock);
    const ids = await registerMany(mock, MANY);
    const heard: unknown[] = [];
    for await (const { resourceId } of read()) {
      heard.push(resourceId);
      if (heard.length === ids.length) break;
    }
    expect(heard).toEqual(ids);
  });
});

describe("a backlog", () => {
  const tooMany = new Error("too many");
  const backlogOf = (limit: number, ...items: string[]) => {
    const backlog = new Backlog<string>(limit, () => tooMany);
    for (const item of items) backlog.push(item);
    return backlog;
  };
  const take = async (backlog: Backlog<string>, count: number) => {
    const taken: unknown[] = [];
    while (taken.length < count) taken.push((await backlog.next()).value);
    return taken;
  };

  unitTest("gives what was put in, in order, before it is asked or after", async () => {
    const backlog = backlogOf(10, "a", "b");
    expect(await take(backlog, 2)).toEqual(["a", "b"]);
    const next = take(backlog, 2);
    backlog.push("c");
    backlog.push("d");
    expect(await next).toEqual(["c", "d"]);
  });

  unitTest.for([1, 2, 10])("holds up to %i items, and ends with one more", async (limit) => {
    const items = Array.from({ length: limit }, (_, index) => `${index}`);
    const backlog = backlogOf(limit, ...items);
    expect(backlog.ended).toBe(false);
    expect(await take(backlog, 1)).toEqual(["0"]);
    // What has been taken does not count.
    backlog.push("another");
    expect(backlog.ended).toBe(false);
    backlog.push("one too many");
    expect(backlog.ended).toBe(true);
    await expect(backlog.next()).rejects.toBe(tooMany);
  });

  unitTest("never ends for one who keeps up, however many pass", async () => {
    const backlog = backlogOf(2, "first");
    for (let index = 0; index < 1000; index++) {
      backlog.push(`${index}`);
      expect(await take(backlog, 1)).toEqual([index === 0 ? "first" : `${index - 1}`]);
    }
  });

  unitTest("ends at once, whatever waits, for the first reason that there was", async () => {
    const backlog = backlogOf(2, "a");
    const reason = new Error("reason");
    backlog.end(reason);
    backlog.end(new Error("another"));
    backlog.push("b");
    for (let times = 0; times < 2; times++) await expect(backlog.next()).rejects.toBe(reason);
  });

  unitTest("ends for one who waits for the next item", async () => {
    const backlog = backlogOf(2);
    const next = backlog.next();
    const reason = new Error("reason");
    backlog.end(reason);
    await expect(next).rejects.toBe(reason);
  });

  unitTest("has ended for one who has left", async () => {
    const backlog = backlogOf(2, "a", "b");
    for await (const item of backlog) {
      expect(item).toBe("a");
      break;
    }
    expect(backlog.ended).toBe(true);
  });

  unitTest("keeps nothing once it has ended", async () => {
    const backlog = new Backlog<object>(10, () => tooMany);
    const waiting = Array.from({ length: 10 }, () => new WeakRef(pushed(backlog)));
    backlog.end(tooMany);
    // What a WeakRef was made for stays until the turn is over.
    await new Promise(setImmediate);
    collectGarbage();
    expect(waiting.filter((item) => item.deref() !== undefined)).toEqual([]);
    expect(backlog.ended).toBe(true);
  });

  function pushed(backlog: Backlog<object>): object {
    const item = {};
    backlog.push(item);
    return item;
  }

  setFlagsFromString("--expose-gc");
  const collectGarbage: () => void = runInNewContext("gc");
});
