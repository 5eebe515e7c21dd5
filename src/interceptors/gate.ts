/**
 * What is found out about a call before anything of its body is read: the world that it goes to and who makes
 * it. A runner that calls with its own token has its lease renewed here, whatever becomes of the call.
 */
import type { HandlerContext } from "@connectrpc/connect";
import { callerKey, worldKey } from "../call.ts";
import type { Identity } from "../domain/identity.ts";
import { isAnonymous } from "../domain/permissions.ts";
import { defaultWorldName, type Worlds } from "../worlds.ts";

/** Names the world; a world in the path of a request is put here too, and wins. */
export const worldHeader = "runner-mock-world";

export type Gate = (context: HandlerContext) => Promise<void>;

export function createGate(worlds: Worlds, identity: Identity): Gate {
  return async ({ method, requestHeader, signal, values }) => {
    const world = await worlds.enter(requestHeader.get(worldHeader) ?? defaultWorldName);
    values.set(worldKey, world);
    // Aborted when a call has ended, however it did; it may have ended while the world was opened.
    if (signal.aborted) worlds.leave(world.name);
    else signal.addEventListener("abort", () => worlds.leave(world.name), { once: true });
    const caller = await identity.callerOf(
      requestHeader.get("authorization"),
      isAnonymous(method),
      (accessToken) => world.registrar.authenticate(accessToken),
    );
    values.set(callerKey, caller);
  };
}
