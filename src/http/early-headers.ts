/**
 * Sends the headers of a stream as soon as it has begun. Connect holds them back until there is a first message;
 * a client that watches for something could not know before that that its watch has begun.
 */
import { type ConnectRouter, createContextValues } from "@connectrpc/connect";
import type { UniversalHandlerFn, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { begunKey } from "../interceptors/begun.ts";
import { wrapHandlers } from "./wrap-handlers.ts";

/** The router's streams send their headers early from now on. */
export function sendHeadersEarly(router: ConnectRouter): void {
  wrapHandlers(router, (handler) =>
    handler.method.methodKind === "server_streaming" ? early(handler) : undefined,
  );
}

function early(handler: UniversalHandlerFn): UniversalHandlerFn {
  return async (request) => {
    let begin = (_header: Headers) => {};
    const begun = new Promise<Headers>((resolve) => {
      begin = resolve;
    });
    const contextValues = (request.contextValues ?? createContextValues()).set(begunKey, begin);
    const response = handler({ ...request, contextValues });
    const header = await Promise.race([begun, response.then(() => undefined)]);
    if (header === undefined) return response;
    const trailer = new Headers();
    return { status: 200, header, body: bodyOf(response, trailer), trailer };
  };
}

/** @param trailer gets what the response ends with, which is known only then */
async function* bodyOf(response: Promise<UniversalServerResponse>, trailer: Headers) {
  // Nothing, but it makes the headers go.
  yield new Uint8Array();
  const answer = await response;
  if (answer.body) yield* answer.body;
  for (const [name, value] of answer.trailer ?? []) trailer.append(name, value);
}
