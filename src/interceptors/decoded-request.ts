/**
 * Puts the request in place where it was decoded before the interceptors ran, or refuses it where that failed:
 * so a call that cannot be read is still one that came to a world from a caller.
 */
import type { Message } from "@bufbuild/protobuf";
import { type ConnectError, createContextKey, type Interceptor } from "@connectrpc/connect";

export type DecodedRequest = { readonly message: Message } | { readonly problem: ConnectError };

/** Set where the request body was decoded already; Connect then saw an empty one in its place. */
export const decodedRequestKey = createContextKey<DecodedRequest | undefined>(undefined, {
  description: "decoded request",
});

export const useDecodedRequest: Interceptor = (next) => async (request) => {
  const decoded = request.contextValues.get(decodedRequestKey);
  if (decoded === undefined || request.stream) return next(request);
  if ("problem" in decoded) throw decoded.problem;
  return next({ ...request, message: decoded.message });
};
