/** Sends calls elsewhere where a fault says so: that is HTTP's business, and no protocol of the API's. */
import type { ConnectRouter } from "@connectrpc/connect";
import { connectionKey, faultHeader } from "../interceptors/inject-faults.ts";
import { wrapHandlers } from "./wrap-handlers.ts";

/** The router's handlers can be told to redirect from now on. */
export function serveRedirects(router: ConnectRouter): void {
  wrapHandlers(router, (handler) => async (request) => {
    const response = await handler(request);
    const location = request.contextValues?.get(connectionKey)?.redirectedTo;
    if (location === undefined) return response;
    const header = new Headers({ location });
    const faultId = response.header?.get(faultHeader);
    if (faultId) header.set(faultHeader, faultId);
    return { status: 308, header };
  });
}
