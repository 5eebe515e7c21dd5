/** What verifiers of ID tokens ask for: each world is an issuer with a discovery document and a key of its own. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { discoveryDocument } from "../domain/id-tokens.ts";
import { worldHeader } from "../interceptors/gate.ts";
import { defaultWorldName, type World } from "../world.ts";
import type { Worlds } from "../worlds.ts";

export function registerOidc(app: FastifyInstance, worlds: Worlds): void {
  app.get("/.well-known/openid-configuration", (request) =>
    inWorld(worlds, request, async (world) =>
      discoveryDocument(world.urlFor(`${request.protocol}://${request.host}`)),
    ),
  );
  app.get("/.well-known/jwks.json", (request) => inWorld(worlds, request, ({ idTokens }) => idTokens.jwks()));
}

async function inWorld<T>(
  worlds: Worlds,
  { headers }: FastifyRequest,
  answer: (world: World) => Promise<T>,
): Promise<T> {
  const name = String(headers[worldHeader] ?? defaultWorldName);
  const world = await worlds.enter(name);
  try {
    return await answer(world);
  } finally {
    worlds.leave(world);
  }
}
