/** What every call passes through, from the outside in. Only here is the order decided. */
import type { Interceptor } from "@connectrpc/connect";
import type { Identity } from "../domain/identity.ts";
import type { Log } from "../log.ts";
import type { Worlds } from "../worlds.ts";
import { authorizeCall } from "./authorize.ts";
import { useDecodedRequest } from "./decoded-request.ts";
import { createEnterWorld } from "./enter-world.ts";
import { createIdentify } from "./identify.ts";
import { takePageFromQuery } from "./page-from-query.ts";
import { createReport } from "./report.ts";
import { createValidate } from "./validate.ts";

export interface InterceptorsOptions {
  readonly worlds: Worlds;
  readonly identity: Identity;
  readonly log: Log;
}

export function createInterceptors({ worlds, identity, log }: InterceptorsOptions): Interceptor[] {
  return [
    createReport(log),
    createEnterWorld(worlds),
    // Before anything that can refuse the call: also a refused one renews its runner's lease.
    createIdentify(identity),
    useDecodedRequest,
    takePageFromQuery,
    authorizeCall,
    createValidate(),
  ];
}
