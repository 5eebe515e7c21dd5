/**
 * Gives a body to what Connect refuses with a status and nothing else: a content type or an HTTP method that no
 * protocol serves. It is a Connect error, as every client can read it.
 */
import type { ConnectError, ConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";
import { errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { methodNotAllowed, unsupportedContentType } from "../errors.ts";

/** The router's handlers explain themselves from now on. */
export function explainRefusals(router: ConnectRouter): void {
  for (const [index, handler] of router.handlers.entries()) {
    const explaining = async (request: UniversalServerRequest) => {
      const response = await handler(request);
      const error = response.body === undefined ? refusalOf(response.status, request, handler) : undefined;
      if (error === undefined) return response;
      const header = new Headers(response.header);
      header.set("content-type", "application/json");
      return { ...response, header, body: one(errorToJsonBytes(error, undefined)) };
    };
    router.handlers[index] = Object.assign(explaining, handler) as UniversalHandler;
  }
}

function refusalOf(
  status: number,
  { method, header }: UniversalServerRequest,
  { requestPath }: UniversalHandler,
): ConnectError | undefined {
  if (status === 405) return methodNotAllowed(method, requestPath);
  if (status === 415) return unsupportedContentType(header.get("content-type"));
  return undefined;
}

async function* one<T>(item: T) {
  yield item;
}
