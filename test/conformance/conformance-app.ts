/**
 * The conformance suite's service where the mock's own services are otherwise: the same app, listener and handlers,
 * behind the API's whole chain, in a world of its own. What of the chain has nothing to do for a service of another
 * schema (pages, faults that nobody ordered, rules of the gitpod API) lets it pass, as it does with many calls.
 */
import { createRegistry } from "@bufbuild/protobuf";
import { ConnectError, type Interceptor } from "@connectrpc/connect";
import type { FastifyInstance } from "fastify";
import { pino } from "pino";
import {
  ConformanceService,
  file_connectrpc_conformance_v1_service,
} from "../../.clients/conformance/gen/connectrpc/conformance/v1/service_pb.ts";
import { systemTime } from "../../src/clock.ts";
import { readState } from "../../src/documents.ts";
import { defaultOrganizationId, Identity } from "../../src/domain/identity.ts";
import { errors } from "../../src/errors.ts";
import { ExplanationSchema } from "../../src/gen/runnermock/v1/explanation_pb.ts";
import { createApp, type Listening } from "../../src/http/app.ts";
import { createChain } from "../../src/interceptors/index.ts";
import { withOutcome } from "../../src/interceptors/outcome.ts";
import { LocalWorlds } from "../../src/local-worlds.ts";
import { inProcessDefaults, settingsOf } from "../../src/options.ts";
import { systemRandom } from "../../src/random.ts";
import { World } from "../../src/world.ts";
import { conformanceService } from "./conformance-service.ts";

export interface ConformanceApp {
  readonly app: FastifyInstance;
  close(): Promise<void>;
}

export async function createConformanceApp(
  listening: Pick<Listening, "tls" | "maxBodyBytes" | "lean">,
): Promise<ConformanceApp> {
  const settings = settingsOf({}, inProcessDefaults);
  const organizationIds = [defaultOrganizationId];
  const world = { ...settings.world, state: await readState(undefined), organizationIds };
  const worlds = new LocalWorlds({
    open: (name, overrides) => World.open(name, { ...world, ...overrides }, systemTime, systemRandom),
    host: systemTime,
    maxWorlds: settings.maxWorlds,
    idleMs: settings.worldIdleMs,
  });
  const identity = new Identity("open", [], [{ id: defaultOrganizationId, tier: "enterprise" }]);
  const logger = pino({ level: "silent" });
  const shutdown = new AbortController();
  const chain = createChain({ worlds, identity, host: systemTime, log: logger });
  const app = createApp({
    routes: (router) =>
      router.service(ConformanceService, conformanceService, {
        jsonOptions: { registry: createRegistry(file_connectrpc_conformance_v1_service) },
      }),
    services: [ConformanceService],
    chain: { ...chain, interceptors: [withoutExplanations, ...chain.interceptors] },
    listening: { ...settings.listening, ...listening },
    refuseUnknownJson: true,
    crossOrigin: true,
    logger,
    shutdownSignal: shutdown.signal,
    readiness: worlds.readiness,
  });
  return {
    app,
    async close() {
      shutdown.abort(errors.serverStopping());
      await app.close();
      worlds.close();
    },
  };
}

/** Takes our explanations off the errors: the suite counts details, and allows none but its own. */
const withoutExplanations: Interceptor = (next) => (request) =>
  withOutcome(
    () => next(request),
    (error) => {
      if (!(error instanceof ConnectError)) return error;
      error.details = error.details.filter(
        (detail) => !("desc" in detail && detail.desc.typeName === ExplanationSchema.typeName),
      );
      return error;
    },
  );
