/**
 * Decodes requests in the interceptors' chain instead of before it. Connect's handlers refuse what they cannot
 * decode before any interceptor hears of it, and call it `internal` where it is protobuf. So they are given an
 * empty request, and the real one is decoded where a call that cannot be read is refused like any other: with
 * the code that fits, known to its world, renewing the lease of the runner that made it.
 *
 * One mechanism for all protocols; what is decoded by none (unknown encodings) is left alone.
 */
import type { DescMethod } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { ConnectError, type ConnectRouter, createContextValues } from "@connectrpc/connect";
import {
  type Compression,
  createAsyncIterable,
  type EnvelopedMessage,
  pipe,
  transformSplitEnvelope,
  type UniversalServerRequest,
} from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { errors } from "../errors.ts";
import { type Decode, decodeKey, unlessAborted, unlessEnded } from "../interceptors/decode.ts";
import {
  checkVersion,
  type DecodeOptions,
  decodeMessage,
  envelopePrefixBytes,
  onlyEnvelope,
  open,
} from "./decode-message.ts";
import { wrapHandlers } from "./wrap-handlers.ts";

/** The router's handlers decode their requests in the chain from now on. */
export function decodeInChain(router: ConnectRouter, options: DecodeOptions): void {
  wrapHandlers(router, (handler) => async (request) => {
    const { decoding, arrived } = withDecoding(handler.method, request, options);
    const response = await handler(decoding);
    if (handler.method.methodKind === "unary") await arrived?.();
    return response;
  });
}

/** How a request's message is written. */
interface Format {
  /** In Connect's protocol, which has a version. */
  readonly connect: boolean;
  readonly json: boolean;
  /** Behind five bytes that say whether it is compressed, and how long it is. */
  readonly enveloped: boolean;
  /** Which header says how it is compressed. */
  readonly encodingHeader: string;
}

const contentTypes = /^application\/(connect\+|grpc-web\+|grpc\+|grpc-web|grpc|)(json|proto)?\s*(;|$)/i;
const encodingHeaders = new Map([
  ["", "content-encoding"],
  ["connect+", "connect-content-encoding"],
]);

interface Decoding {
  readonly decoding: UniversalServerRequest;
  /**
   * Where nobody has read the request, since its headers were enough to refuse it: resolves once it has arrived. The
   * answer could go before, but curl, while it still sends, takes that over HTTP/2 for a broken stream.
   */
  readonly arrived?: () => Promise<unknown>;
}

function withDecoding(method: DescMethod, request: UniversalServerRequest, options: DecodeOptions): Decoding {
  if (request.method === "GET") return { decoding: withDecodedQuery(method, request, options) };
  const format = formatOf(request.header.get("content-type"));
  if (request.method !== "POST" || format === undefined) return { decoding: request };
  const compression = compressionOf(request.header.get(format.encodingHeader));
  if (compression === "unknown") return { decoding: request };
  const version = format.connect ? request.header.get("connect-protocol-version") : null;
  const body = request.body as AsyncIterable<Uint8Array>;
  const decodeEnvelope = (envelope: EnvelopedMessage) =>
    decodeMessage(method, open(envelope, compression), format, options);
  const isStream = method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming";
  let isRead = false;
  const read = () => {
    isRead = true;
    return readAll(body, options.maxBytes);
  };
  const decodeOne = async () => {
    checkVersion(version, "1");
    const bytes = await read();
    if (format.enveloped) return decodeEnvelope(onlyEnvelope(bytes));
    return decodeMessage(method, { bytes, compression }, format, options);
  };
  const decodeEach = async function* () {
    checkVersion(version, "1");
    // Connect's splitting does not notice a prefix that nothing follows.
    let unread = 0;
    const chunks = fromClient(body, (length) => {
      unread += length;
    });
    for await (const envelope of pipe(chunks, transformSplitEnvelope(options.maxBytes))) {
      unread -= envelopePrefixBytes + envelope.data.length;
      yield decodeEnvelope(envelope);
    }
    if (unread > 0) throw errors.undecodable({ problem: "the request breaks off in a message" });
  };
  const header = new Headers(request.header);
  for (const name of [format.encodingHeader, "content-length"]) header.delete(name);
  const decoding = {
    ...request,
    header,
    body: isStream ? createAsyncIterable([]) : emptyBody(format),
    contextValues: withDecode(request, ({ signal }) =>
      isStream ? unlessEnded(decodeEach(), signal) : unlessAborted(decodeOne(), signal),
    ),
  };
  return { decoding, arrived: async () => isRead || read().catch(() => {}) };
}

/** Connect GET: the message stands in the query. */
function withDecodedQuery(
  method: DescMethod,
  request: UniversalServerRequest,
  options: DecodeOptions,
): UniversalServerRequest {
  const url = new URL(request.url);
  const query = url.searchParams;
  const encoding = query.get("encoding");
  const compression = compressionOf(query.get("compression"));
  if ((encoding !== "json" && encoding !== "proto") || compression === "unknown") return request;
  const text = query.get("message");
  const base64 = query.get("base64") === "1";
  const version = query.get("connect");
  const decode = async () => {
    checkVersion(version, "v1");
    if (text === null) throw errors.undecodable({ problem: "the query has no parameter message" });
    const bytes = base64 ? fromBase64(text) : new TextEncoder().encode(text);
    return decodeMessage(method, { bytes, compression }, { json: encoding === "json" }, options);
  };
  query.set("message", encoding === "json" ? "{}" : "");
  query.delete("base64");
  query.delete("compression");
  return { ...request, url: url.toString(), contextValues: withDecode(request, decode) };
}

function withDecode({ contextValues }: UniversalServerRequest, decode: Decode) {
  return (contextValues ?? createContextValues()).set(decodeKey, decode);
}

function formatOf(contentType: string | null): Format | undefined {
  const match = contentTypes.exec(contentType ?? "");
  if (match === null) return undefined;
  const [, envelope = "", codec = ""] = match.map((part = "") => part.toLowerCase());
  // Without a codec, application/grpc and application/grpc-web are protobuf; there is no bare application/.
  if (codec === "" ? envelope.endsWith("+") || envelope === "" : /[^+]$/.test(envelope)) return undefined;
  const encodingHeader = encodingHeaders.get(envelope) ?? "grpc-encoding";
  const connect = encodingHeader !== "grpc-encoding";
  return { connect, json: codec === "json", enveloped: envelope !== "", encodingHeader };
}

function compressionOf(encoding: string | null | undefined): Compression | undefined | "unknown" {
  if (encoding === null || encoding === undefined || encoding === "identity") return undefined;
  return [compressionGzip, compressionBrotli].find(({ name }) => name === encoding) ?? "unknown";
}

/** A request without content, in the same format. */
function emptyBody({ json, enveloped }: Format): AsyncIterable<Uint8Array> {
  const message = new TextEncoder().encode(json ? "{}" : "");
  return createAsyncIterable([enveloped ? Uint8Array.of(0, 0, 0, 0, message.length, ...message) : message]);
}

/** Reads a body up to the limit. What lies beyond is let pass, so that the client gets to read its answer. */
function readAll(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const limit = maxBytes + envelopePrefixBytes;
    const read = async () => {
      const chunks: Uint8Array[] = [];
      let length = 0;
      for await (const chunk of body) {
        length += chunk.length;
        if (length <= limit) chunks.push(chunk);
        // One error is enough for it.
        else if (length - chunk.length <= limit) reject(errors.bodyTooLarge({ limitBytes: maxBytes }));
      }
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, Math.min(length, limit)));
    };
    read().catch((error) =>
      reject(error instanceof ConnectError ? error : errors.clientWentAway({ cause: error })),
    );
  });
}

/** What is read of a stream's body breaks off where the client does. */
async function* fromClient(body: AsyncIterable<Uint8Array>, read: (length: number) => void) {
  try {
    for await (const chunk of body) {
      read(chunk.length);
      yield chunk;
    }
  } catch (error) {
    throw error instanceof ConnectError ? error : errors.clientWentAway({ cause: error });
  }
}

function fromBase64(text: string): Uint8Array {
  try {
    return base64Decode(text);
  } catch {
    throw errors.undecodable({ problem: "the query parameter message is not base64" });
  }
}
