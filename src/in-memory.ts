/** A way to the API in the same process: the same handlers behind the same interceptors, without HTTP. */
import { createRouterTransport, type Interceptor, type Transport } from "@connectrpc/connect";
import { requestGateOf, worldHeader } from "./interceptors/gate.ts";
import type { Chain } from "./interceptors/index.ts";
import { registerServices } from "./services/index.ts";

/** @param world the world that its calls go to @param bearer what they bear, if anything */
export function inMemoryTransport({ interceptors, gate }: Chain, world: string, bearer?: string): Transport {
  const address: Interceptor = (next) => (request) => {
    request.header.set(worldHeader, world);
    if (bearer !== undefined) request.header.set("authorization", `Bearer ${bearer}`);
    return next(request);
  };
  return createRouterTransport(registerServices, {
    router: { interceptors, requestGate: requestGateOf(gate) },
    transport: { interceptors: [address] },
  });
}
