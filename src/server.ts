/**
 * The composition root: settings become worlds, identity, interceptors and the listening app. Nothing below
 * reads the environment or the machine's clock; both come in here.
 */
import type { AddressInfo } from "node:net";
import type { FastifyBaseLogger } from "fastify";
import { baseUrl } from "./base-url.ts";
import type { HostTime, WorldClock } from "./clock.ts";
import { DocumentError, readIdentities, readState } from "./documents.ts";
import { Identity } from "./domain/identity.ts";
import type { Runners } from "./domain/runners.ts";
import { errors } from "./errors.ts";
import { createApp } from "./http/app.ts";
import { createChain } from "./interceptors/index.ts";
import { knownIdentities } from "./known-tokens.ts";
import { OptionError, type Settings } from "./options.ts";
import type { Random } from "./random.ts";
import { registerServices } from "./services/index.ts";
import { shown } from "./shown.ts";
import { defaultWorldName, World } from "./world.ts";
import { Worlds } from "./worlds.ts";

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
 * @throws OptionError for a document that is not what it has to be; the system's error if it cannot listen, for
 * instance with code EADDRINUSE
 */
export async function startServer(settings: Settings, surroundings: Surroundings): Promise<RunnerMock> {
  const { time, random, logger } = surroundings;
  const { auth, userTokens, organizationTier } = settings;
  const { tokens, organizations } = await document("identities", settings, async (source) => {
    const { identities } = await readIdentities(source);
    return knownIdentities(userTokens, identities, organizationTier);
  });
  const state = await document("state", settings, readState);
  const world = { ...settings.world, state, organizationIds: organizations.map(({ id }) => id) };
  const worlds = new Worlds({
    open: (name) => World.open(name, world, time, random),
    host: time,
    maxWorlds: settings.maxWorlds,
    idleMs: settings.worldIdleMs,
  });
  const identity = new Identity(auth, tokens, organizations);
  const shutdown = new AbortController();
  const app = createApp({
    routes: registerServices,
    worlds,
    openToAnybody: auth === "open",
    chain: createChain(worlds, identity, logger),
    refuseUnknownJson: settings.world.switches.unknownJson === "refuse",
    shutdownSignal: shutdown.signal,
    stopGraceMs: settings.stopGraceMs,
    logger,
  });

  const close = async () => {
    shutdown.abort(errors.serverStopping());
    await app.close();
    worlds.close();
  };
  try {
    const { clock, runners } = await worlds.enter(defaultWorldName);
    await app.listen({ host: settings.host, port: settings.port });
    const { address, port } = app.server.address() as AddressInfo;
    const url = baseUrl(address, port);
    const publicUrl = settings.world.publicUrl ?? url;
    return { url, publicUrl, clock, runners, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function document<Name extends "state" | "identities", Content>(
  name: Name,
  { [name]: source }: Settings,
  read: (source: Settings[Name]) => Promise<Content>,
): Promise<Content> {
  try {
    return await read(source);
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    const got = typeof source === "string" ? shown(source) : "an object";
    throw new OptionError(name, got, `a valid document: ${error.message}`);
  }
}
