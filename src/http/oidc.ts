/** What verifiers of ID tokens ask for: each world is an issuer with a discovery document and a key of its own. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { discoveryDocument } from "../domain/id-tokens.ts";
import { errors } from "../errors.ts";
import { worldHeader } from "../interceptors/gate.ts";
import { defaultWorldName, type World } from "../world.ts";
import type { Worlds } from "../worlds.ts";
import { originOf } from "./origin.ts";

/** @param openWorlds whether a world that is not there is opened; otherwise strangers are told that it is not */
export function registerOidc(app: FastifyInstance, worlds: Worlds, openWorlds: boolean): void {
  const inWorld = async <T>(
    request: FastifyRequest,
    answer: (world: World, origin: string) => Promise<T>,
  ): Promise<T> => {
    const origin = originOf(request);
    const name = String(request.headers[worldHeader] ?? defaultWorldName);
    const world = await (openWorlds ? worlds.enter(name) : worlds.enterIfThere(name));
    if (world === undefined) throw errors.worldNotFound({ name });
    try {
      return await answer(world, origin);
    } finally {
      worlds.leave(world);
    }
  };
  app.get("/.well-known/openid-configuration", (request) =>
    inWorld(request, async (world, origin) => discoveryDocument(world.urlFor(origin))),
  );
  app.get("/.well-known/jwks.json", (request) => inWorld(request, ({ idTokens }) => idTokens.jwks()));
}
