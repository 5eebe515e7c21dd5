/**
 * What holds after every malformed request, whatever it was: the server blames nobody but the client, logs no bug,
 * answers the next call, on the same connection where that survives, and keeps nothing of it: no connection, no timer, no
 * call. That it does not hang is bounded by the test's time limit.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { connect } from "node:http2";
import type { Socket } from "node:net";
import { expect } from "vitest";
import { controlOf } from "../support/control.ts";
import { bugsIn, type TestMock } from "../support/mock.ts";
import { Http1Connection, post } from "./http1-client.ts";
import { listRunners } from "./http2-client.ts";
import type { Exchange, Row } from "./row.ts";

/** Sends the row to the mock, which needs a control service, and looks at what is left of it. */
export async function expectNoHarm(mock: TestMock, { send, answer, says, isHeld }: Row): Promise<void> {
  const port = Number(new URL(mock.url).port);
  const connections = watchConnections(port);
  const timersBefore = timers();
  const exchange = await send(port);
  expectBlameless(exchange);
  expect(exchange.answer, exchange.text).toEqual(
    typeof answer === "string" ? answer : expect.stringMatching(answer),
  );
  if (says) expect(exchange.text).toMatch(says);
  if (exchange.again) expect(await exchange.again(), "on the same connection").toMatch(/^(200|grpc 0)$/);
  await expectGoodCalls(port);
  exchange.end();
  if (!isHeld) await connections.allClosed();
  // By hand: what polls has timers of its own.
  while (timers() > timersBefore) await turn();
  await expectNothingUnderWay(mock);
  expect(bugsIn(mock)).toEqual([]);
}

/** No answer may say that it is the server's fault; 501 and 504 are how Connect says `unimplemented` and `deadline_exceeded`. */
export function expectBlameless({ answer, text }: Pick<Exchange, "answer" | "text">): void {
  const allowed = /^(501 unimplemented|504 deadline_exceeded)/.test(answer);
  expect(allowed ? "" : answer, text).not.toMatch(
    /(^|, )5\d\d|internal|unknown|grpc (13|2)\b|reset INTERNAL_ERROR/,
  );
}

async function expectGoodCalls(port: number): Promise<void> {
  const connection = await Http1Connection.open(port);
  const body = '{"name": "My Runner", "provider": "RUNNER_PROVIDER_GCP"}';
  const path = "/gitpod.v1.RunnerService/CreateRunner";
  expect(
    await connection.call(post(path, { "content-type": "application/json" }, body)),
    "the next call",
  ).toBe("200");
  connection.socket.destroy();

  const session = connect(`http://127.0.0.1:${port}`);
  expect(await listRunners(session), "the next call over HTTP/2").toBe("grpc 0");
  session.destroy();
  await once(session, "close");
}

async function expectNothingUnderWay(mock: TestMock): Promise<void> {
  await expect.poll(() => underWayIn(mock), { message: "calls under way", interval: 2 }).toBe(0);
  const calls = mock.worlds.list().flatMap(({ calls }) => calls.list());
  expect(calls.filter(({ duration }) => duration === undefined)).toEqual([]);
}

async function underWayIn(mock: TestMock): Promise<number> {
  const { worlds } = await controlOf(mock).listWorlds({});
  return worlds.reduce((sum, { callsUnderWay }) => sum + callsUnderWay, 0);
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** The timers that keep the process alive, of whomever. */
const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;

/** The server's side of all connections to the port from now on. */
function watchConnections(port: number) {
  const open = new Set<Socket>();
  let wake = () => {};
  const took = (message: unknown) => {
    const { socket } = message as { socket: Socket };
    if (socket.localPort !== port) return;
    open.add(socket);
    socket.once("close", () => {
      open.delete(socket);
      wake();
    });
  };
  subscribe("net.server.socket", took);
  return {
    async allClosed() {
      while (open.size > 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      unsubscribe("net.server.socket", took);
    },
  };
}
