/**
 * Streams as `application/jsonl`, as the generated SDKs read them: one bare message in JSON a line. It is Connect's
 * own stream of JSON, without its envelopes. An error before the first message is answered as to a unary call; one
 * after it breaks the response off, since a line has no place for it.
 */
import { type ConnectError, type ConnectRouter, createContextValues } from "@connectrpc/connect";
import {
  createAsyncIterable,
  type EnvelopedMessage,
  encodeEnvelope,
  mergeNonProtocolHeaders,
  pipe,
  transformSplitEnvelope,
  type UniversalHandlerFn,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { codeToHttpStatus, endStreamFromJson, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { type Connection, connectionKey } from "../interceptors/connection.ts";
import { protocolKey } from "../interceptors/protocol.ts";
import { wrapHandlers } from "./wrap-handlers.ts";

const jsonl = "application/jsonl";
/** Of an envelope in Connect's streams: its message is compressed; it tells how the stream ended. */
const compressedFlag = 1;
const endStreamFlag = 2;

/** The router's streams can be had as lines from now on. */
export function serveJsonLines(router: ConnectRouter, options: { readonly maxBytes: number }): void {
  wrapHandlers(router, (handler) => {
    if (handler.method.methodKind !== "server_streaming") return undefined;
    const ofLines = inLines(handler, options.maxBytes);
    return (request) => (wantsLines(request) ? ofLines(request) : handler(request));
  });
}

/** The TypeScript SDK says so in both headers, the others in `Accept` alone. */
function wantsLines({ method, header }: UniversalServerRequest): boolean {
  const contentType = mediaTypeOf(header.get("content-type"));
  const accepts = (header.get("accept") ?? "").split(",").map(mediaTypeOf).includes(jsonl);
  return method === "POST" && (contentType === jsonl || (accepts && contentType === "application/json"));
}

function mediaTypeOf(value: string | null): string {
  return (value ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

function inLines(handler: UniversalHandlerFn, maxBytes: number): UniversalHandlerFn {
  return async (request) => {
    const header = new Headers(request.header);
    const encoding = header.get("content-encoding");
    header.set("content-type", "application/connect+json");
    for (const name of ["content-length", "content-encoding", "connect-accept-encoding"]) header.delete(name);
    if (encoding !== null) header.set("connect-content-encoding", encoding);
    const contextValues = (request.contextValues ?? createContextValues()).set(protocolKey, "jsonl");
    const body = enveloped(request, encoding === null ? 0 : compressedFlag, maxBytes);
    const answer = await handler({ ...request, header, body, contextValues });
    // Refused by its protocol: it has no envelopes.
    if (answer.status !== 200 || !answer.body) return answer;
    const chunks = answer.body[Symbol.asyncIterator]();
    const first = await chunks.next();
    const envelopes = pipe(resumed(first, chunks), transformSplitEnvelope(maxBytes));
    // What has begun starts with an empty chunk (see early-headers.ts); what has not, consists of an error.
    const error = first.value?.length === 0 ? undefined : await errorIn(envelopes);
    if (error !== undefined) return refusal(error, answer);
    const lines = linesOf(envelopes, contextValues.get(connectionKey));
    return { status: answer.status, header: withType(answer, jsonl), body: lines };
  };
}

function refusal(error: ConnectError, answer: UniversalServerResponse): UniversalServerResponse {
  const header = withType(answer, "application/json");
  mergeNonProtocolHeaders(header, error.metadata);
  return {
    status: codeToHttpStatus(error.code),
    header,
    body: createAsyncIterable([errorToJsonBytes(error, undefined)]),
  };
}

function withType({ header }: UniversalServerResponse, contentType: string): Headers {
  const changed = new Headers(header);
  changed.set("content-type", contentType);
  return changed;
}

/** The body as the one message of a stream. Nothing at all is a message without fields. */
async function* enveloped(
  { body }: UniversalServerRequest,
  flags: number,
  maxBytes: number,
): AsyncIterable<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    // Enough for whoever decodes it to see that it is too much.
    if (length <= maxBytes + chunk.length) chunks.push(chunk);
  }
  if (length === 0) yield encodeEnvelope(0, new TextEncoder().encode("{}"));
  else yield encodeEnvelope(flags, Buffer.concat(chunks));
}

async function* resumed<T>(first: IteratorResult<T>, rest: AsyncIterator<T>): AsyncIterable<T> {
  try {
    for (let next = first; next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

async function errorIn(envelopes: AsyncIterable<EnvelopedMessage>): Promise<ConnectError | undefined> {
  for await (const envelope of envelopes) {
    const error = errorOf(envelope);
    if (error !== undefined) return error;
  }
  return undefined;
}

async function* linesOf(
  envelopes: AsyncIterable<EnvelopedMessage>,
  connection: Connection | undefined,
): AsyncIterable<Uint8Array> {
  yield new Uint8Array();
  for await (const envelope of envelopes) {
    if (errorOf(envelope) !== undefined) return connection?.breakOff();
    if (envelope.flags === 0) yield Buffer.concat([envelope.data, Buffer.from("\n")]);
  }
}

function errorOf({ flags, data }: EnvelopedMessage): ConnectError | undefined {
  return flags === endStreamFlag ? endStreamFromJson(data).error : undefined;
}
