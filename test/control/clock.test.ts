/** Moving a world's time over the wire. */
import { durationFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { describe, expect } from "vitest";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { Clock } from "../../src/gen/runnermock/v1/control_pb.ts";
import { controlOf, test } from "../support/control.ts";
import { failureOf, startMs } from "../support/mock.ts";
import { post } from "../support/post.ts";
import { register, stands } from "../support/registrations.ts";

const msIn = (clock: Clock | undefined) => (clock?.now === undefined ? Number.NaN : timestampMs(clock.now));
const rpc = (name: string) => `/runnermock.v1.ControlService/${name}`;

test("GetClock tells the time, also by GET", async ({ mock, control }) => {
  expect(msIn((await control.getClock({})).clock)).toBe(startMs);
  const transport = (baseUrl: string) =>
    createConnectTransport({ baseUrl, httpVersion: "1.1", useHttpGet: true });
  expect(msIn((await controlOf(mock, { transport }).getClock({})).clock)).toBe(startMs);
});

test.for([
  [29_999, true],
  [30_000, false],
  [30_001, false],
] as const)(
  "AdvanceClock by %i ms lets happen what falls due: the runner stands: %s",
  async ([byMs, standing], { mock, control }) => {
    const { runnerId } = await register(mock);
    const { clock } = await control.advanceClock({ by: durationFromMs(byMs) });
    expect(msIn(clock)).toBe(startMs + byMs);
    expect(mock.clock.nowMs()).toBe(startMs + byMs);
    expect(await stands(mock, runnerId)).toBe(standing);
  },
);

test("a duration is written as protobuf has it in JSON", async ({ mock }) => {
  const answer = await post(mock.controlUrl + rpc("AdvanceClock"), { by: "31s" });
  expect(answer).toEqual({ status: 200, body: { clock: { now: "2026-01-02T03:04:36.678Z" } } });
  expect((await post(mock.controlUrl + rpc("AdvanceClock"), { by: "0.5s" })).body.clock.now).toMatch(
    /37\.178Z$/,
  );
});

test("a clock can be frozen, advanced and resumed", async ({ control }) => {
  expect((await control.freezeClock({})).clock?.frozen).toBe(true);
  const advanced = await control.advanceClock({ by: durationFromMs(1_000) });
  expect([msIn(advanced.clock), advanced.clock?.frozen]).toEqual([startMs + 1_000, true]);
  expect((await control.resumeClock({})).clock?.frozen).toBe(false);
});

test("each world has a clock of its own", async ({ mock, control }) => {
  await mock.client(RunnerService, { path: "/w/other" }).listRunners({});
  await control.advanceClock({ world: "other", by: durationFromMs(5_000) });
  expect(msIn((await control.getClock({ world: "other" })).clock)).toBe(startMs + 5_000);
  expect(msIn((await control.getClock({})).clock)).toBe(startMs);
});

describe("is refused, and moves nothing:", () => {
  test.for([
    [
      "a clock moved backwards",
      { by: durationFromMs(-1) },
      /^invalid_argument: cannot advance the clock: invalid duration -1: it must not be negative$/,
    ],
    [
      "a clock moved beyond the year 9999",
      { by: { seconds: 250_000_000_000n, nanos: 0 } },
      /^invalid_argument: cannot/,
    ],
    ["a clock moved by nothing", {}, /^invalid_argument: by: value is required/],
    [
      "a clock of a world that is not there",
      { world: "x", by: durationFromMs(1) },
      /^not_found: there is no world "x"$/,
    ],
    [
      "a clock of a world with a bad name",
      { world: "X", by: durationFromMs(1) },
      /^not_found: there is no world "X"$/,
    ],
  ] as const)("%s", async ([, request, failure], { mock, control }) => {
    expect(await failureOf(control.advanceClock(request))).toMatch(failure);
    expect(mock.clock.nowMs()).toBe(startMs);
    expect(mock.worlds.list()).toHaveLength(1);
  });

  test("a duration that is none", async ({ mock }) => {
    const answer = await post(mock.controlUrl + rpc("AdvanceClock"), { by: "31" });
    expect([answer.status, answer.body.code]).toEqual([400, "invalid_argument"]);
  });
});

test.for<[string, (baseUrl: string) => Transport]>([
  ["Connect binary over HTTP/2", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2" })],
  ["gRPC", (baseUrl) => createGrpcTransport({ baseUrl })],
  ["gRPC-Web", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" })],
])("is reached by %s", async ([, transport], { mock }) => {
  const control = controlOf(mock, { transport });
  expect(msIn((await control.advanceClock({ by: durationFromMs(7) })).clock)).toBe(startMs + 7);
  expect(await failureOf(control.getClock({ world: "x" }))).toBe('not_found: there is no world "x"');
});
