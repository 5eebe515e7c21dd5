/**
 * Tells that a stream has begun, though nothing has been sent yet: a watcher may have to wait long for its first
 * event, and wants to know that it misses none (see http/early-headers.ts).
 */
import { createContextKey, type Interceptor } from "@connectrpc/connect";

/** Told with the headers of the response. */
export const begunKey = createContextKey<((header: Headers) => void) | undefined>(undefined, {
  description: "begun",
});

export const tellBegun: Interceptor = (next) => (request) => {
  const answering = next(request);
  if (request.method.methodKind === "unary") return answering;
  return answering.then((response) => {
    if (response.stream) request.contextValues.get(begunKey)?.(response.header);
    return response;
  });
};
