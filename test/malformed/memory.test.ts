/** Malformed requests by the thousand, of the kinds that touch most of the server: none of it stays in memory. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect } from "vitest";
import { test } from "../support/mock.ts";
import { expectBlameless } from "./harm.ts";
import type { Row } from "./row.ts";
import { themes } from "./themes.ts";

const dirtiest: ReadonlySet<string> = new Set([
  "JSON bodies: lists 100,000 deep",
  "JSON bodies: a field given twice",
  "protobuf bodies: messages 100,000 deep in unknown groups",
  "protobuf bodies: random bytes",
  "compression: gzip that breaks off in its data",
  "compression: a gRPC message of an unknown encoding",
  "compression: a stream whose message is gzip that is none",
  "compression: gzip of one byte more than 4 MiB",
  "envelopes: gRPC: a message that breaks off",
  "envelopes: Connect stream: an end of stream from the client",
  "envelopes: reflection: protobuf that breaks off",
  "headers and timeouts: grpc-timeout: letters",
  "headers and timeouts: headers beyond 16 KiB in count",
  "headers and timeouts: HTTP/2: headers beyond 16 KiB in count",
  "HTTP/1.1 framing: both a length and chunks",
  "HTTP/1.1 framing: a chunk size in letters",
  "HTTP/2 frames: a header name in capitals",
  "HTTP/2 frames: RST_STREAM on stream 0",
  "HTTP/2 frames: trailers without an end",
  "slow and half-closed connections: leaves in the body",
  "slow and half-closed connections: leaves a stream of lines that has begun",
  "slow and half-closed connections: leaves a gRPC stream that has begun",
  "slow and half-closed connections: HTTP/2: leaves in a body",
  "paths and world names: a world whose name is in capitals",
]);

const rows: readonly Row[] = themes.flatMap(({ name, rows }) =>
  rows.filter(({ title }) => dirtiest.has(`${name}: ${title}`)),
);

setFlagsFromString("--expose-gc");
const gc: () => void = runInNewContext("gc");

const rounds = 90;
const slackBytes = 1024 * 1024;
/** What is compiled and cached stays, and when that is over no one can say; what leaks never settles. */
const attempts = 4;

test("what is malformed leaves nothing in memory", { timeout: 120_000 }, async ({ start }) => {
  expect(rows).toHaveLength(dirtiest.size);
  const mock = await start({ maxCalls: 10, maxAuditLogEntries: 10 });
  const port = Number(new URL(mock.url).port);
  const send = async ({ send }: Row) => {
    const exchange = await send(port);
    exchange.end();
    expectBlameless(exchange);
  };
  const sendAll = async () => {
    for (let round = 0; round < rounds; round++) {
      for (const row of rows) await send(row);
      // The test's own.
      mock.log.length = 0;
    }
  };
  let grownBy = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < attempts && grownBy >= slackBytes; attempt++) {
    const before = await usedBytes();
    await sendAll();
    grownBy = (await usedBytes()) - before;
    process.stdout.write(
      `${rounds * rows.length} malformed requests: heap grew by ${Math.round(grownBy / 1024)} KiB\n`,
    );
  }
  expect(grownBy).toBeLessThan(slackBytes);
});

/** Connections that are being closed are let go of by what is done in between. */
async function usedBytes(): Promise<number> {
  for (let times = 0; times < 5; times++) {
    await new Promise((resolve) => setImmediate(resolve));
    gc();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
