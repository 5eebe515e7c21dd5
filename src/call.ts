/** What belongs to one call besides its request: the world it goes to and who makes it. */
import { type ContextValues, createContextKey, type HandlerContext } from "@connectrpc/connect";
import type { Caller } from "./domain/caller.ts";
import type { World } from "./world.ts";

export const worldKey = createContextKey<World | undefined>(undefined, { description: "world" });
export const callerKey = createContextKey<Caller | undefined>(undefined, { description: "caller" });

/** The response to be: its headers, and its trailers, in which the status of gRPC is from the beginning. */
export type ResponseToBe = Pick<HandlerContext, "responseHeader" | "responseTrailer">;

export const responseKey = createContextKey<ResponseToBe | undefined>(undefined, { description: "response" });

export function responseOf(values: ContextValues): ResponseToBe {
  return known(values.get(responseKey), "response");
}

export interface Call {
  readonly world: World;
  readonly caller: Caller;
}

/** The world and caller that the interceptors found out. */
export function callOf({ values }: Pick<HandlerContext, "values">): Call {
  return { world: worldOf(values), caller: known(values.get(callerKey), "caller") };
}

export function worldOf(values: ContextValues): World {
  return known(values.get(worldKey), "world");
}

function known<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`the ${name} of this call has not been found out yet`);
  return value;
}
