/** Calls that come at once go on together. What that is worth is measured by `npm run bench`. */
import { once } from "node:events";
import { constants } from "node:http2";
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, vi } from "vitest";
import { RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { inStep } from "../../src/http/in-step.ts";
import { post } from "../malformed/http1-client.ts";
import {
  FrameConnection,
  fields,
  flag,
  frame,
  preface,
  pseudo,
  settings,
  type,
  uint32,
} from "../malformed/http2-frames.ts";
import { envelope } from "../malformed/rows/envelope.ts";
import { countingRandom, openMock, stillTime, test } from "../support/mock.ts";
import { rpc } from "../support/post.ts";

test("who waits in the same turn of the event loop goes on in step, who comes later with the next one", async () => {
  const steps: string[] = [];
  const walk = async (name: string) => {
    await inStep();
    for (const step of [1, 2, 3]) {
      steps.push(`${name}${step}`);
      await undefined;
    }
  };
  const first = Promise.all([walk("a"), walk("b")]);
  await inStep();
  await Promise.all([first, walk("c")]);
  expect(steps).toEqual(["a1", "b1", "a2", "b2", "a3", "b3", "c1", "c2", "c3"]);
});

test.for(["on", "off"] as const)(
  "calls that come at once on many connections are handled in step: the short way %s",
  async (lean) => {
    const drawn: ("id" | "token")[] = [];
    const count = countingRandom();
    const mock = await openMock({ lean }, stillTime, (length) => {
      drawn.push(length === 32 ? "token" : "id");
      return count(length);
    });
    const sockets = await Promise.all([1, 2, 3].map(() => connected(mock.url)));
    try {
      // What the first call loads would hold up the others, too.
      await mock.runner.createRunner({ name: "first", provider: RunnerProvider.AWS_EC2 });
      drawn.length = 0;
      await Promise.all(sockets.map(createRunner));
      // The runner's, and its event's; then the two credentials.
      const each = (what: "id" | "token") => Array<string>(2 * sockets.length).fill(what);
      expect(drawn).toEqual([...each("id"), ...each("token")]);
    } finally {
      for (const socket of sockets) socket.destroy();
      await mock.close();
    }
  },
);

test.for(["on", "off"] as const)(
  "calls are answered while a test in the same process holds the timers: the short way %s",
  async (lean, { start }) => {
    const mock = await start({ lean });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    vi.useFakeTimers();
    expect((await mock.runner.listRunners({})).runners).toEqual([]);
  },
);

const watch = {
  path: "/gitpod.v1.EventService/WatchEvents",
  contentType: "application/connect+json",
  body: envelope(0, '{"organization":true}'),
};
const creation = {
  path: rpc.createRunner,
  contentType: "application/json",
  body: Buffer.from('{"name":"My Runner","provider":"RUNNER_PROVIDER_AWS_EC2"}'),
};

/** Makes a call and takes it back, in one piece. */
const takenBack = {
  async "HTTP/1.1"(url: string, call: typeof watch): Promise<void> {
    const socket = await connected(url);
    socket.write(requestOf(call));
    socket.resetAndDestroy();
  },

  async "HTTP/2"(url: string, { path, contentType, body }: typeof watch): Promise<void> {
    const connection = await FrameConnection.open(Number(new URL(url).port));
    const length = ["content-length", String(body.length)] as const;
    const headers = fields(...pseudo("POST", path), ["content-type", contentType], length);
    connection.write(
      preface,
      settings(),
      frame(type.headers, flag.endHeaders, 1, headers),
      frame(type.data, flag.endStream, 1, body),
      frame(type.rstStream, 0, 1, uint32(constants.NGHTTP2_CANCEL)),
    );
    onTestFinished(() => {
      connection.socket.destroy();
    });
  },
};

test.for(["HTTP/1.1", "HTTP/2"] as const)(
  "a watch whose client is gone before its turn is not waited for: %s",
  async (http, { mock }) => {
    await takenBack[http](mock.url, watch);
    await mock.calls.waitFor({});
    // It ends with its connection, which has had its turn by then.
    for (let call = 0; call < 3; call++) await mock.runner.listRunners({});
    expect(mock.calls.list().filter(({ duration }) => duration === undefined)).toEqual([]);
  },
);

test("a call over HTTP/2 that is taken back before its turn is not made", async ({ mock }) => {
  await takenBack["HTTP/2"](mock.url, creation);
  const [call] = await mock.calls.waitFor({});
  expect([call?.error?.code, call?.error?.message]).toEqual(["canceled", "the client went away"]);
  expect((await mock.runner.listRunners({})).runners).toEqual([]);
});

async function connected(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  return socket;
}

/** Sends it at once, and resolves with the first bytes of the answer. */
async function createRunner(socket: Socket): Promise<void> {
  socket.write(requestOf(creation));
  const [answer] = await once(socket, "data");
  expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
}

function requestOf({ path, contentType, body }: typeof watch): Buffer {
  return post(path, { "content-type": contentType }, body);
}
