/** Finds out who calls. A runner that calls with its own token has its lease renewed, whatever becomes of the call. */
import type { Interceptor } from "@connectrpc/connect";
import { callerKey, worldOf } from "../call.ts";
import type { Identity } from "../domain/identity.ts";
import { isAnonymous } from "../domain/permissions.ts";

export function createIdentify(identity: Identity): Interceptor {
  return (next) => async (request) => {
    const { registrar } = worldOf(request.contextValues);
    const caller = await identity.callerOf(
      request.header.get("authorization"),
      isAnonymous(request.method),
      (accessToken) => registrar.authenticate(accessToken),
    );
    request.contextValues.set(callerKey, caller);
    return next(request);
  };
}
