/** The handlers of Connect's plugin, for all calls that do not take the short way (see lean-unary.ts). */
import type { DescService } from "@bufbuild/protobuf";
import { type ConnectRouter, createContextValues } from "@connectrpc/connect";
import { fastifyConnectPlugin } from "@connectrpc/connect-fastify";
import type { FastifyInstance, RouteHandlerMethod } from "fastify";
import { connectionKey } from "../interceptors/connection.ts";
import { requestGateOf } from "../interceptors/gate.ts";
import type { Chain } from "../interceptors/index.ts";
import type { Readiness } from "../readiness.ts";
import { registerStandardServices } from "../standard/index.ts";
import type { DecodeOptions } from "./decode-message.ts";
import { decodeInChain } from "./decode-requests.ts";
import { sendHeadersEarly } from "./early-headers.ts";
import { explainRefusals } from "./explain-refusals.ts";
import { HttpConnection } from "./http-connection.ts";
import { inStep } from "./in-step.ts";
import { serveJsonLines } from "./jsonl.ts";
import { serveRedirects } from "./redirects.ts";
import { serveRewrittenJson } from "./rewritten-json.ts";

/** What is served, through which chain, and for how long. */
export interface Served {
  readonly routes: (router: ConnectRouter) => void;
  /** What the routes serve, for those who ask. */
  readonly services: readonly DescService[];
  readonly chain: Chain;
  /** Aborted when the server stops: open streams then end with `unavailable`. */
  readonly shutdownSignal: AbortSignal;
  readonly readiness: Readiness;
}

/** By the paths that Connect's plugin would have Fastify route to them. */
export function connectHandlers(
  scope: FastifyInstance,
  { routes, services, chain, shutdownSignal, readiness }: Served,
  decoding: DecodeOptions,
): ReadonlyMap<string, RouteHandlerMethod> {
  const handlers = new Map<string, RouteHandlerMethod>();
  const collecting = Object.create(scope, {
    all: { value: (path: string, _: object, handler: RouteHandlerMethod) => handlers.set(path, handler) },
    addContentTypeParser: { value: () => {} },
  });
  const gate = requestGateOf(chain.gate);
  const options: Parameters<typeof fastifyConnectPlugin>[1] = {
    interceptors: chain.interceptors,
    requestGate: async (context) => {
      await inStep();
      await gate(context);
    },
    contextValues: ({ raw }) => createContextValues().set(connectionKey, new HttpConnection(raw)),
    readMaxBytes: decoding.maxBytes,
    shutdownSignal,
    routes(router) {
      routes(router);
      registerStandardServices(router, services, chain.standardInterceptors, readiness);
      decodeInChain(router, decoding);
      serveRewrittenJson(router);
      sendHeadersEarly(router);
      serveJsonLines(router, decoding);
      explainRefusals(router);
      serveRedirects(router);
    },
  };
  fastifyConnectPlugin(collecting, options, () => {});
  return handlers;
}
