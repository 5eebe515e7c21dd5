/** Puts the request in place, if it was left to be decoded here (see http/decode-requests.ts), or refuses it. */
import type { Message } from "@bufbuild/protobuf";
import { createContextKey, type Interceptor } from "@connectrpc/connect";
import { isServerStopping } from "../errors.ts";

/** Decodes the request; Connect has been given an empty one in its place. */
export const decodeKey = createContextKey<(() => Promise<Message>) | undefined>(undefined, {
  description: "decode",
});

export const decodeRequest: Interceptor = (next) => async (request) => {
  const decode = request.contextValues.get(decodeKey);
  if (decode === undefined) return next(request);
  const message = await decode();
  // A body may come slowly: what has run out of time, or was given up, is not carried out.
  if (request.signal.aborted && !isServerStopping(request.signal.reason)) throw request.signal.reason;
  return request.stream ? next({ ...request, message: one(message) }) : next({ ...request, message });
};

async function* one<T>(message: T) {
  yield message;
}
