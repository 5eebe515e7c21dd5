/** Puts the request in place, if it was left to be decoded here (see http/decode-requests.ts), or refuses it. */
import type { Message } from "@bufbuild/protobuf";
import { createContextKey, type Interceptor } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { endedBy, isServerStopping } from "../errors.ts";

/** Decodes the request; Connect has been given an empty one in its place. */
export const decodeKey = createContextKey<(() => Promise<Message>) | undefined>(undefined, {
  description: "decode",
});

export const decodeRequest: Interceptor = (next) => async (request) => {
  const decode = request.contextValues.get(decodeKey);
  if (decode === undefined) return next(request);
  const message = await unlessAborted(decode(), request.signal);
  return request.stream
    ? next({ ...request, message: createAsyncIterable([message]) })
    : next({ ...request, message });
};

/**
 * A body may come slowly: a call that runs out of time meanwhile, or is given up, ends there. One that is under
 * way when the server stops is finished.
 */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    const check = () => {
      if (signal.aborted && !isServerStopping(signal.reason)) reject(endedBy(signal));
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
