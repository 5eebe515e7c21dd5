/** Sends calls elsewhere where a fault says so: that is HTTP's business, and no protocol of the API's. */
import type { ConnectRouter } from "@connectrpc/connect";
import { type Connection, connectionKey } from "../interceptors/connection.ts";
import { adversityHeader, faultHeader } from "../interceptors/inject-faults.ts";
import { wrapHandlers } from "./wrap-handlers.ts";

/** The router's handlers can be told to redirect from now on. */
export function serveRedirects(router: ConnectRouter): void {
  wrapHandlers(router, (handler) => async (request) => {
    const response = await handler(request);
    return redirection(request.contextValues?.get(connectionKey), response.header) ?? response;
  });
}

/** What is answered in place of a response with that header, if the call is sent elsewhere. */
export function redirection(connection: Connection | undefined, responseHeader: Headers | undefined) {
  const location = connection?.redirectedTo;
  if (location === undefined) return undefined;
  // A browser remembers status 308 for good otherwise, and this call may go through the next time.
  const header = new Headers({ location, "content-length": "0", "cache-control": "no-store" });
  for (const name of [faultHeader, adversityHeader]) {
    const told = responseHeader?.get(name);
    if (told) header.set(name, told);
  }
  return { status: 308, header };
}
