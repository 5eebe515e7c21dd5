/** Writes other JSON than Connect's handlers do, where a fault says so. It goes out uncompressed. */
import type { ConnectRouter } from "@connectrpc/connect";
import {
  type Compression,
  createAsyncIterable,
  encodeEnvelope,
  pipe,
  readAllBytes,
  transformSplitEnvelope,
  type UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { connectionKey } from "../interceptors/connection.ts";
import { compressedFlag } from "./decode-message.ts";
import { wrapHandlers } from "./wrap-handlers.ts";

type Rewrite = (json: string) => string;
type Body = AsyncIterable<Uint8Array>;

/** Our own answers: as long as they are. */
const maxBytes = 0xffff_ffff;

/** The router's handlers can be told what to write in the place of their JSON from now on. */
export function serveRewrittenJson(router: ConnectRouter): void {
  wrapHandlers(router, (handler) => async (request) => {
    const response = await handler(request);
    const rewrite = request.contextValues?.get(connectionKey)?.rewriteJson;
    return rewrite === undefined ? response : rewritten(response, rewrite);
  });
}

async function rewritten(
  response: UniversalServerResponse,
  rewrite: Rewrite,
): Promise<UniversalServerResponse> {
  const { status, header = new Headers(), body } = response;
  const type = header.get("content-type") ?? "";
  // An error is no message.
  if (status !== 200 || body === undefined || !type.includes("json")) return response;
  const packing = packingOf(header);
  if (type !== "application/json") return { ...response, body: eachRewritten(body, rewrite, packing) };
  const bytes = await readAllBytes(body, maxBytes);
  const text = await rewrittenBytes(bytes, rewrite, packing);
  header.delete("content-encoding");
  header.set("content-length", String(text.length));
  return { ...response, header, body: createAsyncIterable([text]) };
}

/** How what is compressed of an answer is compressed: which header says so is its protocol's. */
function packingOf(header: Headers): Compression | undefined {
  const told = ["content-encoding", "connect-content-encoding", "grpc-encoding"].map((name) =>
    header.get(name),
  );
  return [compressionGzip, compressionBrotli].find(({ name }) => told.includes(name));
}

/** Other envelopes than those of messages tell how the stream has ended. */
async function* eachRewritten(body: Body, rewrite: Rewrite, packing: Compression | undefined) {
  for await (const { flags, data } of pipe(body, transformSplitEnvelope(maxBytes))) {
    if (flags > compressedFlag) yield encodeEnvelope(flags, data);
    else yield encodeEnvelope(0, await rewrittenBytes(data, rewrite, flags === 0 ? undefined : packing));
  }
}

async function rewrittenBytes(bytes: Uint8Array, rewrite: Rewrite, packing: Compression | undefined) {
  const plain = packing === undefined ? bytes : await packing.decompress(bytes, maxBytes);
  return Buffer.from(rewrite(Buffer.from(plain).toString()));
}
