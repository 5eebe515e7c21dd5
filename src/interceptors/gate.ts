/**
 * What is found out about a call before anything of its body is read: the world that it goes to and who makes
 * it. A runner that calls with its own token has its lease renewed here, whatever becomes of the call.
 */
import type { HandlerContext } from "@connectrpc/connect";
import { onAbort } from "../abort.ts";
import { callerKey, responseHeaderKey, responseTrailerKey, worldKey } from "../call.ts";
import type { Caller } from "../domain/caller.ts";
import type { Claim, Identity } from "../domain/identity.ts";
import { isAnonymous } from "../domain/permissions.ts";
import { errors } from "../errors.ts";
import { defaultWorldName, type World } from "../world.ts";
import type { Worlds } from "../worlds.ts";

/** Names the world; a world in the path of a request is put here too, and wins. */
export const worldHeader = "runner-mock-world";

export type Gate = (context: HandlerContext) => Promise<void>;

export function createGate(worlds: Worlds, identity: Identity): Gate {
  return async ({ method, requestHeader, responseHeader, responseTrailer, signal, values }) => {
    values.set(responseHeaderKey, responseHeader);
    values.set(responseTrailerKey, responseTrailer);
    const name = requestHeader.get(worldHeader) ?? defaultWorldName;
    // For whoever takes note of the call, even if it goes no further.
    values.set(worldKey, worlds.find(name));
    const claim = identity.claimOf(requestHeader.get("authorization"), isAnonymous(method));
    // Strangers open no worlds, and no token is valid in a world that is not there yet.
    if ("issued" in claim && claim.otherwise === undefined && !worlds.has(name)) throw errors.invalidBearer();
    const world = await worlds.enter(name);
    values.set(worldKey, world);
    // Aborted when a call has ended, however it did; it may have ended while the world was opened.
    onAbort(signal, () => worlds.leave(world));
    values.set(callerKey, await callerOf(claim, identity, world));
  };
}

async function callerOf(claim: Claim, identity: Identity, { registrar }: World): Promise<Caller> {
  if ("caller" in claim) return claim.caller;
  const { issued, otherwise } = claim;
  const valid = await registrar.authenticate(issued);
  const caller = valid === undefined ? otherwise : identity.issuedTo(valid, issued);
  if (caller === undefined) throw errors.invalidBearer();
  return caller;
}
