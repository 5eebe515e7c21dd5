/** Finds the world that a call goes to, and keeps it open until the call has ended. */
import type { Interceptor } from "@connectrpc/connect";
import { worldKey } from "../call.ts";
import { defaultWorldName, type Worlds } from "../worlds.ts";
import { withOutcome } from "./outcome.ts";

/** Names the world; a world in the path of a request is put here too, and wins. */
export const worldHeader = "runner-mock-world";

export function createEnterWorld(worlds: Worlds): Interceptor {
  return (next) => async (request) => {
    const world = await worlds.enter(request.header.get(worldHeader) ?? defaultWorldName);
    request.contextValues.set(worldKey, world);
    world.openCalls++;
    return withOutcome(
      () => next(request),
      (error) => {
        world.openCalls--;
        return error;
      },
    );
  };
}
