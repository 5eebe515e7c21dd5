/** The control service as an app of its own, for an address of its own. */
import type { FastifyInstance } from "fastify";
import type { Identity } from "../domain/identity.ts";
import { ControlService } from "../gen/runnermock/v1/control_pb.ts";
import { type AppOptions, createApp } from "../http/app.ts";
import { createControlChain } from "../interceptors/index.ts";
import { createControlService } from "./control-service.ts";
import { createControlGate, isLoopbackAddress, refuseForeign } from "./guard.ts";
import type { Metrics } from "./metrics.ts";
import { registerPage } from "./page.ts";
import type { Control } from "./powers.ts";

export interface ControlAppOptions
  extends Control,
    Pick<AppOptions, "logger" | "shutdownSignal" | "listening" | "readiness"> {
  /** The address that it will listen on. */
  readonly address: string;
  /** The bearer that it asks for; undefined: what the API does. */
  readonly token: string | undefined;
  readonly identity: Identity;
  readonly metrics: Metrics;
}

export function createControlApp(options: ControlAppOptions): FastifyInstance {
  const { address, metrics, token, identity, logger, shutdownSignal, listening, readiness } = options;
  const service = createControlService(options);
  const isLoopback = isLoopbackAddress(address);
  return createApp({
    routes: (router) => router.service(ControlService, service),
    services: [ControlService],
    chain: createControlChain(createControlGate(token, identity), logger),
    register: (app) => {
      app.get("/metrics", async (_request, reply) =>
        reply.type(metrics.contentType).send(await metrics.text()),
      );
      registerPage(app);
    },
    guard: (request) => refuseForeign(request, isLoopback),
    refuseUnknownJson: true,
    crossOrigin: false,
    logger,
    shutdownSignal,
    readiness,
    listening,
  });
}
