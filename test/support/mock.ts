/**
 * A mock per test, on a free port, in a time that moves only when the test moves it, with the same ids and tokens
 * in every run. After the test it is closed, and the test fails if the mock logged a bug of its own.
 */
import type { DescService } from "@bufbuild/protobuf";
import { type Client, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { pino } from "pino";
import { test as base, expect } from "vitest";
import type { HostTime } from "../../src/clock.ts";
import { IdentityService } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { inProcessDefaults, type RunnerMockOptions, settingsOf } from "../../src/options.ts";
import type { Random } from "../../src/random.ts";
import { type RunnerMock, startServer } from "../../src/server.ts";

/** When every test begins. */
export const startMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

/** A machine whose clock stands still: a world's time is moved by `clock.advance` alone. */
export const stillTime: HostTime = {
  nowMs: () => startMs,
  monotonicMs: () => startMs,
  setTimer: () => () => {},
  turn: async () => {},
};

/** Bytes that count: different each time, the same in each run. */
export function countingRandom(): Random {
  let count = 0;
  return (length) => {
    const bytes = new Uint8Array(length);
    new DataView(bytes.buffer).setUint32(length - 4, ++count);
    return bytes;
  };
}

export interface TestMock extends RunnerMock {
  /** A client of the mock; by default Connect with JSON over HTTP/1.1, as the default user. */
  client<S extends DescService>(service: S, options?: ClientOptions): Client<S>;
  readonly runner: Client<typeof RunnerService>;
  readonly identity: Client<typeof IdentityService>;
  /** What the mock logged, a line each. */
  readonly log: string[];
  /** What is random in every token that it has made. */
  readonly secrets: ReadonlySet<string>;
}

export interface ClientOptions {
  bearer?: string | undefined;
  /** Below which path, for instance `/w/NAME`. */
  path?: string;
  transport?: (baseUrl: string) => Transport;
}

export const connectJson = (baseUrl: string) =>
  createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false });

export type StartMock = (options?: RunnerMockOptions) => Promise<TestMock>;

export const test = base.extend<{ start: StartMock; mock: TestMock }>({
  /** Starts a mock with options of its own. */
  start: async ({ task: _ }, use) => {
    const mocks: TestMock[] = [];
    await use(async (options = {}) => {
      const mock = await openMock(options);
      mocks.push(mock);
      return mock;
    });
    await Promise.all(mocks.map((mock) => mock.close()));
    expect(mocks.flatMap(bugsIn)).toEqual([]);
  },
  /** A mock with the default options. */
  mock: async ({ start }, use) => use(await start()),
});

/** What the mock logged of bugs of its own, and of secrets. */
export function bugsIn({ log, secrets }: TestMock): string[] {
  return log.filter((line) => JSON.parse(line).level >= 50 || hasSecret(line, secrets));
}

/**
 * Whether a text has a token of ours, an ID token, or what a client bears.
 *
 * @param secrets what is random in the tokens that a mock has made: they are found without their prefixes, too
 */
export function hasSecret(text: string, secrets: ReadonlySet<string> = new Set()): boolean {
  const words = text.match(/[\w-]{43,}/g) ?? [];
  return (
    words.some((word) => secrets.has(word.slice(-43)) || /^rmock_[a-z]+_[\w-]{43}$/.test(word)) ||
    /\beyJ[\w-]+\.eyJ|\bBearer +(?!TOKEN)\S/.test(text)
  );
}

/** A mock that the caller has to close. */
export async function openMock(
  options: RunnerMockOptions = {},
  time: HostTime = stillTime,
  drawn: Random = countingRandom(),
): Promise<TestMock> {
  const log: string[] = [];
  const logger = pino({ level: "debug" }, { write: (line: string) => log.push(line) });
  const settings = settingsOf(options, inProcessDefaults);
  const secrets = new Set<string>();
  const random: Random = (length) => {
    const bytes = drawn(length);
    // A token has 32 bytes, an id 16.
    if (length === 32) secrets.add(Buffer.from(bytes).toString("base64url"));
    return bytes;
  };
  const mock = await startServer(settings, { time, random, logger });
  const client: TestMock["client"] = (service, { bearer, path = "", transport = connectJson } = {}) => {
    const target = transport(mock.url + path);
    return createClient(service, bearer === undefined ? target : bearing(target, `Bearer ${bearer}`));
  };
  return { ...mock, client, log, secrets, runner: client(RunnerService), identity: client(IdentityService) };
}

/** A transport all of whose calls carry this Authorization header. */
export function bearing(transport: Transport, authorization: string): Transport {
  const withHeader = (header: ConstructorParameters<typeof Headers>[0]) => {
    const headers = new Headers(header);
    headers.set("authorization", authorization);
    return headers;
  };
  return {
    unary: (method, signal, timeoutMs, header, ...rest) =>
      transport.unary(method, signal, timeoutMs, withHeader(header), ...rest),
    stream: (method, signal, timeoutMs, header, ...rest) =>
      transport.stream(method, signal, timeoutMs, withHeader(header), ...rest),
  };
}

/** How a call failed: its code as the wire names it, and its text. */
export async function failureOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ConnectError) return `${codeToString(error.code)}: ${error.rawMessage}`;
    throw error;
  }
  return "ok";
}
