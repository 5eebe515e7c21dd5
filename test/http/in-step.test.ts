/** Calls that come at once go on together. What that is worth is measured by `npm run bench`. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { inStep } from "../../src/http/in-step.ts";
import { countingRandom, openMock, stillTime } from "../support/mock.ts";

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

async function connected(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  return socket;
}

/** Sends it at once, and resolves with the first bytes of the answer. */
async function createRunner(socket: Socket): Promise<void> {
  const body = JSON.stringify({ name: "My Runner", provider: "RUNNER_PROVIDER_AWS_EC2" });
  const head = ["POST /gitpod.v1.RunnerService/CreateRunner HTTP/1.1", "Host: mock"];
  const headers = [`Content-Length: ${body.length}`, "Content-Type: application/json"];
  socket.write([...head, ...headers, "", body].join("\r\n"));
  const [answer] = await once(socket, "data");
  expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
}
