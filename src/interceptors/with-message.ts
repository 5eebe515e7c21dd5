/** Putting another message in the place of a unary request's. */
import type { Message } from "@bufbuild/protobuf";
import type { UnaryRequest } from "@connectrpc/connect";

/** The same request, from now on with that message: a copy would ask for all that a request has only on demand. */
export function withMessage(request: UnaryRequest, message: Message): UnaryRequest {
  return Object.assign(request, { message });
}
