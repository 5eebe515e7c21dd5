/**
 * The composition root: settings become worlds, identity, interceptors and the two listening apps, one for the API
 * and one for the control service. Nothing below reads the environment or the machine's clock; both come in here.
 */
import { setMaxListeners } from "node:events";
import type { AddressInfo } from "node:net";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import { apiServices } from "./api.ts";
import { baseUrl, type Scheme } from "./base-url.ts";
import type { HostTime } from "./clock.ts";
import { createControlApp } from "./control/control-app.ts";
import {
  type Control,
  type WorldPowers,
  type WorldsPowers,
  worldPowers,
  worldsPowers,
} from "./control/powers.ts";
import { DocumentError, readIdentities, readState } from "./documents.ts";
import { adversityOf } from "./domain/adversity/kind.ts";
import type { Organization } from "./domain/caller.ts";
import { Identity } from "./domain/identity.ts";
import { errors } from "./errors.ts";
import type { State } from "./gen/runnermock/v1/state_pb.ts";
import { createApp } from "./http/app.ts";
import { registerOidc } from "./http/oidc.ts";
import { inMemoryTransport } from "./in-memory.ts";
import { createChain } from "./interceptors/index.ts";
import { knownIdentities } from "./known-tokens.ts";
import { LocalWorlds } from "./local-worlds.ts";
import { OptionError, type Settings } from "./options.ts";
import { type Random, seedFrom } from "./random.ts";
import { registerServices } from "./services/index.ts";
import { shown } from "./shown.ts";
import { defaultWorldName, World } from "./world.ts";
import type { Worlds } from "./worlds.ts";

/** What the server finds outside of itself. */
export interface Surroundings {
  readonly time: HostTime;
  readonly random: Random;
  readonly logger: FastifyBaseLogger;
}

/** A running mock. Its clock, runners and tokens are those of the default world. */
export interface RunnerMock extends Omit<WorldPowers, "name">, AsyncDisposable {
  /** The base URL that it listens on, without a slash at the end. */
  readonly url: string;
  /** The base URL under which clients reach it: the option `publicUrl`, or else `url`. */
  readonly publicUrl: string;
  /** The base URL of the control service; undefined: it has none. */
  readonly controlUrl: string | undefined;
  /** The other worlds. */
  readonly worlds: WorldsPowers;
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
  const { host, port, auth, userTokens, organizationTier } = settings;
  const { logger, time } = surroundings;
  const { tokens, organizations } = await document("identities", settings, async (source) => {
    const { identities } = await readIdentities(source);
    return knownIdentities(userTokens, identities, organizationTier);
  });
  const state = await document("state", settings, readState);
  const tls =
    settings.tlsCert || settings.tlsKey ? await (await import("./tls.ts")).readTls(settings) : undefined;
  const worlds = await openWorlds(settings, surroundings, state, organizations);
  const { readiness } = worlds;
  const identity = new Identity(auth, tokens, organizations);
  const { controlPort = port === 0 ? 0 : port + 1, controlToken: token } = settings;
  // Nobody asks for them elsewhere; and whoever has no use for them need not load the library.
  const metrics =
    controlPort === "off" ? undefined : new (await import("./control/metrics.ts")).Metrics(worlds);
  const shutdown = new AbortController();
  // Each call under way listens to it; Node takes more than ten for a leak otherwise, and says so.
  setMaxListeners(0, shutdown.signal);
  const listening = { ...settings.listening, tls };
  const common = { logger, listening, readiness, shutdownSignal: shutdown.signal };
  const chain = createChain({ worlds, identity, host: time, log: logger, observe: metrics?.observe });
  const api = createApp({
    ...common,
    routes: registerServices,
    services: apiServices,
    chain,
    register: (app) => registerOidc(app, worlds, auth === "open"),
    refuseUnknownJson: settings.world.switches.unknownJson === "refuse",
    crossOrigin: true,
  });
  const scheme = tls ? "https" : "http";
  let url = "";
  const control: Control = {
    worlds,
    urlOf: (world) => world.urlFor(url),
    state,
    host: time,
    transport: (world, bearer) => inMemoryTransport(chain, world, bearer),
  };
  const controlApp =
    metrics && createControlApp({ ...common, ...control, identity, metrics, address: host, token });

  const close = async () => {
    shutdown.abort(errors.serverStopping());
    await Promise.all([api.close(), controlApp?.close()]);
    worlds.close();
  };
  try {
    worlds.leave(await worlds.enter(defaultWorldName));
    url = await listen(api, scheme, host, port);
    const controlUrl = controlApp && (await listen(controlApp, scheme, host, Number(controlPort)));
    const powers = worldPowers(control, defaultWorldName);
    return {
      url,
      publicUrl: settings.world.publicUrl ?? url,
      controlUrl,
      worlds: worldsPowers(control),
      get clock() {
        return powers.clock;
      },
      get runners() {
        return powers.runners;
      },
      get tokens() {
        return powers.tokens;
      },
      calls: powers.calls,
      faults: powers.faults,
      adversity: powers.adversity,
      state: powers.state,
      transport: powers.transport,
      reset: powers.reset,
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openWorlds(
  { world, adversity: { seed, ...unkindness }, store, storeKey, maxWorlds, worldIdleMs: idleMs }: Settings,
  { time: host, random }: Surroundings,
  state: State,
  organizations: readonly Organization[],
): Promise<Worlds> {
  const drawSeed = () => seedFrom(random);
  // Drawn once: all worlds are unkind alike.
  const adversity =
    seed === "off"
      ? undefined
      : adversityOf({ ...unkindness, seed: seed === "on" ? undefined : seed }, drawSeed);
  const settings = { ...world, adversity, state, organizationIds: organizations.map(({ id }) => id) };
  if (store !== "memory") {
    // Nothing is written there that whoever has the engine can read.
    if (storeKey === undefined) throw new OptionError("storeKey", "nothing", "a text beside such a store");
    const { SharedWorlds } = await import("./shared-worlds.ts");
    return SharedWorlds.open(store, storeKey, { settings, host, random, maxWorlds, idleMs });
  }
  return new LocalWorlds({
    open: (name, overrides) => World.open(name, { ...settings, ...overrides }, host, random),
    host,
    maxWorlds,
    idleMs,
  });
}

/** @returns the base URL of the address */
async function listen(app: FastifyInstance, scheme: Scheme, host: string, port: number): Promise<string> {
  await app.listen({ host, port });
  const { address, port: chosen } = app.server.address() as AddressInfo;
  return baseUrl(scheme, address, chosen);
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
