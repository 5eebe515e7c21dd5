/**
 * The composition root: settings become worlds, identity, interceptors and the listening app. Nothing below
 * reads the environment or the machine's clock; both come in here.
 */
import type { AddressInfo } from "node:net";
import type { FastifyBaseLogger } from "fastify";
import { baseUrl } from "./base-url.ts";
import type { HostTime, WorldClock } from "./clock.ts";
import { Identity } from "./domain/identity.ts";
import type { Runners } from "./domain/runners.ts";
import { serverStopping } from "./errors.ts";
import { createApp } from "./http/app.ts";
import { createChain } from "./interceptors/index.ts";
import type { Settings } from "./options.ts";
import type { Random } from "./random.ts";
import { registerServices } from "./services/index.ts";
import { World } from "./world.ts";
import { defaultWorldName, Worlds } from "./worlds.ts";

/** What the server finds outside of itself. */
export interface Surroundings {
  readonly time: HostTime;
  readonly random: Random;
  readonly logger: FastifyBaseLogger;
}

/** A running mock. */
export interface RunnerMock extends AsyncDisposable {
  /** The base URL that it listens on, without a slash at the end. */
  readonly url: string;
  /** The base URL under which clients reach it: the option `publicUrl`, or else `url`. */
  readonly publicUrl: string;
  /** The time of the default world. */
  readonly clock: Pick<WorldClock, "advance" | "freeze" | "resume" | "frozen" | "nowMs">;
  /** The runners of the default world. */
  readonly runners: Pick<Runners, "report">;
  /** Stops listening, lets calls under way finish, ends open streams with `unavailable`. */
  close(): Promise<void>;
}

/**
 * Starts a mock; resolves once it listens.
 *
 * @throws the system's error if it cannot listen, for instance with code EADDRINUSE
 */
export async function startServer(settings: Settings, surroundings: Surroundings): Promise<RunnerMock> {
  const { time, random, logger } = surroundings;
  const worlds = new Worlds({
    open: (name) => World.open(name, settings.world, time, random),
    host: time,
    maxWorlds: settings.maxWorlds,
    idleMs: settings.worldIdleMs,
  });
  const identity = new Identity(settings.auth, settings.userTokens, settings.organizationTier);
  const shutdown = new AbortController();
  const app = createApp({
    routes: registerServices,
    chain: createChain(worlds, identity, logger),
    refuseUnknownJson: settings.world.switches.unknownJson === "refuse",
    shutdownSignal: shutdown.signal,
    stopGraceMs: settings.stopGraceMs,
    logger,
  });

  const close = async () => {
    shutdown.abort(serverStopping());
    await app.close();
    worlds.close();
  };
  try {
    const world = await worlds.enter(defaultWorldName);
    await app.listen({ host: settings.host, port: settings.port });
    const { address, port } = app.server.address() as AddressInfo;
    const url = baseUrl(address, port);
    return {
      url,
      publicUrl: settings.publicUrl ?? url,
      clock: world.clock,
      runners: world.runners,
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
