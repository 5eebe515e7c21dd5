/** Puts the request in place, if it was left to be decoded here (see http/decode-requests.ts), or refuses it. */
import type { Message } from "@bufbuild/protobuf";
import { createContextKey, type Interceptor } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { endedBy, isServerStopping } from "../errors.ts";

/** Decodes the request, or each message of one that streams; Connect has been given an empty one in its place. */
export type Decode = () => Promise<Message> | AsyncIterable<Message>;

export const decodeKey = createContextKey<Decode | undefined>(undefined, { description: "decode" });

export const decodeRequest: Interceptor = (next) => async (request) => {
  const decode = request.contextValues.get(decodeKey);
  if (decode === undefined) return next(request);
  // Whoever reads Connect's own hears what it found wrong with the headers, such as a timeout that is none.
  if (request.stream) for await (const _ of request.message);
  const decoded = decode();
  if (Symbol.asyncIterator in decoded) {
    if (!request.stream) throw new TypeError(`${request.method} does not take a stream`);
    return next({ ...request, message: unlessEnded(decoded, request.signal) });
  }
  const message = await unlessAborted(decoded, request.signal, isServerStopping);
  return request.stream
    ? next({ ...request, message: createAsyncIterable([message]) })
    : next({ ...request, message });
};

async function* unlessEnded(messages: AsyncIterable<Message>, signal: AbortSignal) {
  const iterator = messages[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await unlessAborted(iterator.next(), signal, () => false);
    if (done) return;
    yield value;
  }
}

/**
 * A body may come slowly: a call that runs out of time meanwhile, or is given up, ends there. A single message that is
 * under way when the server stops is read to its end.
 */
async function unlessAborted<T>(
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
