/**
 * The Fastify app: RPCs by Connect's plugin, health for probes, CORS for browsers, and answers in the right shape
 * for requests that are none of these. Building it does not listen.
 */

import { ConnectError, cors as connectCors } from "@connectrpc/connect";
import cors from "@fastify/cors";
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
  type RouteHandlerMethod,
} from "fastify";
import { errors } from "../errors.ts";
import { adversityHeader, faultHeader } from "../interceptors/inject-faults.ts";
import type { Served } from "./connect-handlers.ts";
import { createLean } from "./lean-unary.ts";
import { createOnePortServer, type OnePortOptions } from "./one-port.ts";
import { originOf } from "./origin.ts";
import { rewriteUrl } from "./paths.ts";
import { refuse } from "./refusals.ts";

/** How an app listens, and what a client may cost it. */
export type Listening = Required<
  Pick<
    OnePortOptions,
    "tls" | "requestTimeoutMs" | "maxHeaderBytes" | "maxConcurrentStreams" | "maxConnections"
  >
> & {
  /** How long calls under way may take once the server stops, before they are cut off. */
  readonly stopGraceMs: number;
  /** The largest request that is read, packed or unpacked. */
  readonly maxBodyBytes: number;
  /** Whether common calls take a way that is shorter than that through Connect's handlers. */
  readonly lean: boolean;
};

export interface AppOptions extends Served {
  readonly listening: Listening;
  /** What else is served beside RPCs and health. */
  readonly register?: (app: FastifyInstance) => void;
  /** What is looked at before anything else of a request; it throws what is answered. */
  readonly guard?: (request: FastifyRequest) => void;
  /** Whether web pages of any origin may call. */
  readonly crossOrigin: boolean;
  /** Whether unknown JSON fields and enum names are refused. */
  readonly refuseUnknownJson: boolean;
  readonly logger: FastifyBaseLogger;
}

/** The app and its port for HTTP/1.1 and HTTP/2; every RPC is routed by its bare path, see paths.ts. */
export function createApp(options: AppOptions): FastifyInstance {
  const { stopGraceMs: closeGraceMs, ...listening } = options.listening;
  let closing = false;
  // A guard has Fastify's requests to look at.
  const lean = listening.lean && options.guard === undefined ? leanOf(options) : () => false;
  const app = fastify({
    serverFactory: (handler) =>
      createOnePortServer(
        (request, response) => {
          if (closing || !lean(request, response)) handler(request, response);
        },
        { ...listening, closeGraceMs },
      ),
    rewriteUrl,
    frameworkErrors: (error, request, reply) =>
      refuse(request, reply, errors.badRequest({ reason: error.message }), error.statusCode),
    loggerInstance: options.logger,
    // The interceptors log calls, by what they are rather than by their URLs; requests need no logger each.
    childLoggerFactory: (logger) => logger,
    logController: new LogController({ disableRequestLogging: true }),
    // No route has a schema of Fastify's: without these it loads two compilers for them.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
  });
  app.server.on("tlsClientError", (error: Error) =>
    options.logger.info({ err: error }, "no TLS with a client"),
  );
  app.addHook("preClose", async () => {
    closing = true;
  });
  acceptAnyBody(app);
  const { guard } = options;
  if (guard) app.addHook("onRequest", async (request) => guard(request));
  if (options.crossOrigin) allowAnyOrigin(app);
  app.register(async (scope) => registerRpcs(scope, options));
  options.register?.(app);
  app.get("/healthz", async () => ({ status: "ok" }));
  app.get("/readyz", async (_request, reply) => {
    const status = closing ? "stopping" : options.readiness.isReady ? "ok" : "no store";
    return reply.code(status === "ok" ? 200 : 503).send({ status });
  });
  app.setNotFoundHandler((request, reply) => {
    const [path = ""] = request.originalUrl.split("?", 1);
    return refuse(request, reply, errors.unknownRpc({ path }), 404);
  });
  app.setErrorHandler((error: FastifyError | ConnectError, request, reply) => {
    if (error instanceof ConnectError) return refuse(request, reply, error);
    // What Fastify itself finds wrong with a request.
    if ((error.statusCode ?? 500) < 500)
      return refuse(request, reply, errors.badRequest({ reason: error.message }), error.statusCode);
    options.logger.error({ err: error }, "failed");
    return refuse(request, reply, errors.internalError({ cause: error }));
  });
  return app;
}

function noSchemas(): never {
  throw new Error("no route has a schema of Fastify's");
}

/** A fault may add headers of any name; not all browsers understand the asterisk. */
const exposedHeaders = [...connectCors.exposedHeaders, faultHeader, adversityHeader, "*"];

function allowAnyOrigin(app: FastifyInstance): void {
  app.register(cors, { methods: [...connectCors.allowedMethods], exposedHeaders, maxAge: 7200 });
}

/** What such an answer has, other than one to a preflight. */
const crossOriginHeaders = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": exposedHeaders.join(", "),
};

function leanOf({ routes, chain, shutdownSignal, crossOrigin, logger, ...options }: AppOptions) {
  const headers = crossOrigin ? crossOriginHeaders : {};
  return createLean(routes, { chain, shutdownSignal, logger, headers, ...decodingOf(options) });
}

function decodingOf({ listening, refuseUnknownJson }: Pick<AppOptions, "listening" | "refuseUnknownJson">) {
  return { maxBytes: listening.maxBodyBytes, refuseUnknownJson };
}

/** What reads a body are Connect's handlers; they judge its type as well. */
function acceptAnyBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
}

/** All RPCs by one route: a route for each, in each HTTP method that there is, takes a third of the time of the start. */
function registerRpcs(scope: FastifyInstance, options: AppOptions): void {
  // Connect makes a URL of it.
  scope.addHook("onRequest", async (request) => {
    originOf(request);
  });
  // Loaded and made with the first call that needs them: that takes a fifth, and most mocks have only common calls.
  let handlers: Promise<ReadonlyMap<string, RouteHandlerMethod>> | undefined;
  const load = async () =>
    (await import("./connect-handlers.ts")).connectHandlers(scope, options, decodingOf(options));
  scope.all<{ Params: { service: string; rpc: string } }>("/:service/:rpc", async function (request, reply) {
    handlers ??= load();
    const handler = (await handlers).get(`/${request.params.service}/${request.params.rpc}`);
    return handler ? handler.call(this, request, reply) : reply.callNotFound();
  });
}
