/**
 * What is found out about a call before anything of its body is read: the world that it goes to and who makes
 * it. A runner that calls with its own token has its lease renewed here, whatever becomes of the call.
 */
import type { HandlerContext } from "@connectrpc/connect";
import { onAbort } from "../abort.ts";
import { callerKey, responseKey, worldKey } from "../call.ts";
import type { Caller } from "../domain/caller.ts";
import type { Claim, Identity } from "../domain/identity.ts";
import { isAnonymous } from "../domain/permissions.ts";
import { errors } from "../errors.ts";
import { defaultWorldName, type World } from "../world.ts";
import type { Worlds } from "../worlds.ts";

/** Names the world; a world in the path of a request is put here too, and wins. */
export const worldHeader = "runner-mock-world";

/** Resolves with what is to be done once the call has ended, however it does. @throws what refuses the call */
export type Gate = (context: HandlerContext) => Promise<(() => void) | undefined>;

/** The gate as Connect has it: a call has ended when its signal is aborted. */
export function requestGateOf(gate: Gate): (context: HandlerContext) => Promise<void> {
  // It may have ended while it was at the gate.
  return async (context) => {
    const leave = await gate(context);
    if (leave) onAbort(context.signal, leave);
  };
}

export function createGate(worlds: Worlds, identity: Identity): Gate {
  return async (context) => {
    const { method, requestHeader, values } = context;
    values.set(responseKey, context);
    const name = requestHeader.get(worldHeader) ?? defaultWorldName;
    // For whoever takes note of the call, even if it goes no further.
    values.set(worldKey, worlds.find(name));
    const claim = identity.claimOf(requestHeader.get("authorization"), isAnonymous(method));
    // Strangers open no worlds, and no token is valid in a world that is not there yet.
    const isStranger = "issued" in claim && claim.otherwise === undefined;
    const world = await (isStranger ? worlds.enterIfThere(name) : worlds.enter(name));
    if (world === undefined) throw errors.invalidBearer();
    values.set(worldKey, world);
    const leave = () => worlds.leave(world);
    try {
      values.set(callerKey, "caller" in claim ? claim.caller : await callerOf(claim, identity, world));
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  };
}

async function callerOf(
  { issued, otherwise }: Exclude<Claim, { caller: Caller }>,
  identity: Identity,
  { registrar }: World,
): Promise<Caller> {
  const valid = await registrar.authenticate(issued);
  const caller = valid === undefined ? otherwise : identity.issuedTo(valid, issued);
  if (caller === undefined) throw errors.invalidBearer();
  return caller;
}
