/** Puts the request in place, if it was left to be decoded here (see http/decode-requests.ts), or refuses it. */
import type { Message } from "@bufbuild/protobuf";
import {
  createContextKey,
  type Interceptor,
  type StreamRequest,
  type UnaryRequest,
} from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { endedBy, isServerStopping } from "../errors.ts";
import { withMessage } from "./with-message.ts";

/**
 * Decodes the request, or each message of one that streams; Connect has been given an empty one in its place. Ends with
 * the call: see unlessAborted.
 */
export type Decode = (request: UnaryRequest | StreamRequest) => Promise<Message> | AsyncIterable<Message>;

export const decodeKey = createContextKey<Decode | undefined>(undefined, { description: "decode" });

export const decodeRequest: Interceptor = (next) => async (request) => {
  const decode = request.contextValues.get(decodeKey);
  if (decode === undefined) return next(request);
  // Whoever reads Connect's own hears what it found wrong with the headers, such as a timeout that is none.
  if (request.stream) for await (const _ of request.message);
  const decoded = decode(request);
  if (Symbol.asyncIterator in decoded) {
    if (!request.stream) throw new TypeError(`${request.method} does not take a stream`);
    return next({ ...request, message: decoded });
  }
  const message = await decoded;
  return request.stream
    ? next({ ...request, message: createAsyncIterable([message]) })
    : next(withMessage(request, message));
};

/** What a client streams, until the call ends. */
export async function* unlessEnded(messages: AsyncIterable<Message>, signal: AbortSignal) {
  const iterator = messages[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await raced(iterator.next(), signal, () => false);
    if (done) return;
    yield value;
  }
}

/**
 * A body may come slowly: a call that runs out of time meanwhile, or is given up, ends there. A single message that is
 * under way when the server stops is read to its end.
 */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return raced(work, signal, isServerStopping);
}

async function raced<T>(
  work: Promise<T>,
  signal: AbortSignal,
  isSpared: (reason: unknown) => boolean,
): Promise<T> {
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    const check = () => {
      if (signal.aborted && !isSpared(signal.reason)) reject(endedBy(signal));
    };
    signal.addEventListener("abort", check);
    stop = () => signal.removeEventListener("abort", check);
    check();
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    stop();
  }
}
