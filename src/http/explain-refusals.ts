/**
 * Gives a body to what Connect refuses with a status and nothing else: a content type or an HTTP method that no
 * protocol serves. It is a Connect error, as every client can read it.
 */
import type { ConnectError, ConnectRouter } from "@connectrpc/connect";
import {
  createAsyncIterable,
  type UniversalHandler,
  type UniversalServerRequest,
} from "@connectrpc/connect/protocol";
import { errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { errors } from "../errors.ts";
import { wrapHandlers } from "./wrap-handlers.ts";

/** The router's handlers explain themselves from now on. */
export function explainRefusals(router: ConnectRouter): void {
  wrapHandlers(router, (handler) => async (request) => {
    const response = await handler(request);
    const error = response.body === undefined ? refusalOf(response.status, request, handler) : undefined;
    if (error === undefined) return response;
    const header = new Headers(response.header);
    header.set("content-type", "application/json");
    return { ...response, header, body: createAsyncIterable([errorToJsonBytes(error, undefined)]) };
  });
}

function refusalOf(
  status: number,
  { method, header }: UniversalServerRequest,
  handler: UniversalHandler,
): ConnectError | undefined {
  if (status === 405) return errors.methodNotAllowed({ path: handler.requestPath, method });
  if (status !== 415) return undefined;
  const contentType = header.get("content-type");
  if (contentType === null) return errors.noContentType();
  const expected =
    handler.method.methodKind === "unary"
      ? "application/json, application/proto"
      : "application/connect+json, application/connect+proto, application/jsonl";
  return errors.unsupportedContentType({ contentType, expected });
}
