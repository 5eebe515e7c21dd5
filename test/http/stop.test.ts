/** How the server stops while calls are under way. */
import {
  create,
  createFileRegistry,
  type DescMethodServerStreaming,
  type DescMethodUnary,
} from "@bufbuild/protobuf";
import { EmptySchema, FileDescriptorProtoSchema, file_google_protobuf_empty } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { pino } from "pino";
import { expect, test } from "vitest";
import { Identity } from "../../src/domain/identity.ts";
import { errors } from "../../src/errors.ts";
import { createApp } from "../../src/http/app.ts";
import { createChain } from "../../src/interceptors/index.ts";
import { LocalWorlds } from "../../src/local-worlds.ts";
import { inProcessDefaults, settingsOf } from "../../src/options.ts";
import { alwaysReady } from "../../src/readiness.ts";
import { World } from "../../src/world.ts";
import { countingRandom, stillTime } from "../support/mock.ts";
import { anybody, worldSettings } from "../support/parts.ts";

/** rpc Wait(Empty) returns (Empty); rpc Watch(Empty) returns (stream Empty) */
const service = createFileRegistry(
  create(FileDescriptorProtoSchema, {
    name: "test/v1/slow.proto",
    package: "test.v1",
    syntax: "proto3",
    dependency: ["google/protobuf/empty.proto"],
    service: [
      {
        name: "Slow",
        method: [
          { name: "Wait", inputType: ".google.protobuf.Empty", outputType: ".google.protobuf.Empty" },
          {
            name: "Watch",
            inputType: ".google.protobuf.Empty",
            outputType: ".google.protobuf.Empty",
            serverStreaming: true,
          },
        ],
      },
    ],
  }),
  () => file_google_protobuf_empty,
).getService("test.v1.Slow");
const wait = service?.method.wait as DescMethodUnary<typeof EmptySchema, typeof EmptySchema>;
const watch = service?.method.watch as DescMethodServerStreaming<typeof EmptySchema, typeof EmptySchema>;

function deferred() {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

async function startSlow() {
  const settings = settingsOf({ stopGrace: "5s" }, inProcessDefaults);
  const logger = pino({ level: "silent" });
  const world = await worldSettings();
  const worlds = new LocalWorlds({
    open: (name) => World.open(name, world, stillTime, countingRandom()),
    host: stillTime,
    maxWorlds: 10,
    idleMs: 1000,
  });
  const shutdown = new AbortController();
  const called = deferred();
  const answer = deferred();
  const app = createApp({
    services: [],
    chain: createChain({
      worlds,
      identity: new Identity("open", [], [anybody.organization]),
      host: stillTime,
      log: logger,
    }),
    refuseUnknownJson: true,
    crossOrigin: true,
    logger,
    listening: { ...settings.listening, tls: undefined },
    shutdownSignal: shutdown.signal,
    readiness: alwaysReady,
    routes: (router) => {
      router.rpc(wait, async () => {
        called.resolve();
        await answer.promise;
        return {};
      });
      router.rpc(watch, async function* (_, context) {
        yield {};
        await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
        context.signal.throwIfAborted();
      });
    },
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const stop = async () => {
    shutdown.abort(errors.serverStopping());
    await app.close();
    worlds.close();
  };
  return { url: app.listeningOrigin, stop, called: called.promise, answer: answer.resolve };
}

const protocols: readonly (readonly [string, (baseUrl: string) => Transport])[] = [
  ["Connect, HTTP/1.1", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" })],
  [
    "Connect JSON, HTTP/2",
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: false }),
  ],
  ["gRPC", (baseUrl) => createGrpcTransport({ baseUrl })],
  ["gRPC-Web, HTTP/1.1", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" })],
];

test.for(protocols)(
  "a call under way is answered before the server has stopped: %s",
  async ([, transport]) => {
    const slow = await startSlow();
    const call = transport(slow.url).unary(wait, undefined, undefined, undefined, {});
    await slow.called;
    let stopped = false;
    const stopping = slow.stop().then(() => {
      stopped = true;
    });
    expect(stopped).toBe(false);
    slow.answer();
    expect((await call).message).toEqual(create(EmptySchema));
    await stopping;
  },
);

test.for(protocols)(
  "an open stream ends with unavailable when the server stops: %s",
  async ([, transport]) => {
    const slow = await startSlow();
    const request = (async function* () {
      yield create(EmptySchema);
    })();
    const response = await transport(slow.url).stream(watch, undefined, undefined, undefined, request);
    const messages = response.message[Symbol.asyncIterator]();
    expect((await messages.next()).done).toBe(false);
    const end = messages.next().catch((error) => error);
    await slow.stop();
    const error = await end;
    expect(error).toBeInstanceOf(ConnectError);
    expect([error.code, error.rawMessage]).toEqual([Code.Unavailable, "the server is stopping"]);
  },
);
