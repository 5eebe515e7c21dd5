/**
 * The common case on a short way: a unary call by POST, in Connect's protocol or gRPC's, not compressed, without a
 * deadline. To Connect's handlers every request is a stream of bytes with four AbortControllers, whatever it needs of
 * that; here the same gate, interceptors and implementations get the same request, and the same answer is written, in
 * one piece. What a call seldom needs (a signal, headers of its response) is made when it is asked for. Everything else
 * is left to Fastify and Connect's handlers.
 */
import type { OutgoingHttpHeaders } from "node:http";
import { create, type DescMethodUnary, isMessage, type Message } from "@bufbuild/protobuf";
import {
  ConnectError,
  type ConnectRouter,
  type HandlerContext,
  type Interceptor,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import { rpcOf } from "../api.ts";
import { errors } from "../errors.ts";
import { connectionKey } from "../interceptors/connection.ts";
import { decodeKey } from "../interceptors/decode.ts";
import type { Chain } from "../interceptors/index.ts";
import type { Log } from "../log.ts";
import { Body, type Content } from "./body.ts";
import { type DecodeOptions, decodeMessage } from "./decode-message.ts";
import { HttpConnection } from "./http-connection.ts";
import { inStep } from "./in-step.ts";
import { LeanCall, LeanReply, type Request, type Response } from "./lean-call.ts";
import { connectWire } from "./lean-connect.ts";
import { grpcWire } from "./lean-grpc.ts";
import { addHeaders, type JsonOptions, type Wire } from "./lean-wire.ts";
import { isOrigin } from "./origin.ts";
import { rewriteUrl } from "./paths.ts";
import { redirection } from "./redirects.ts";

export interface LeanOptions extends DecodeOptions {
  readonly chain: Pick<Chain, "interceptors" | "gate">;
  readonly shutdownSignal: AbortSignal;
  readonly logger: Pick<Log, "error">;
  /** What every answer has. */
  readonly headers: Readonly<OutgoingHttpHeaders>;
}

type Implementation = (message: Message, context: HandlerContext) => object | Promise<object>;
type Answer = (request: UnaryRequest) => Promise<UnaryResponse>;
interface LeanRpc {
  readonly wires: ReadonlyMap<string | undefined, Wire>;
  readonly handle: (wire: Wire, request: Request, response: Response) => Promise<void>;
}
/** Answers what is of the common case; false: it is not, and has been left alone. */
export type Lean = (request: Request, response: Response) => boolean;

/** @param routes has the RPCs, of which the unary ones are served */
export function createLean(routes: (router: ConnectRouter) => void, options: LeanOptions): Lean {
  const rpcs = new Map<string, LeanRpc>();
  const collecting: Pick<ConnectRouter, "rpc" | "service"> = {
    rpc: (method, implementation, { jsonOptions } = {}) => {
      if (method.methodKind !== "unary" || implementation === undefined) return router;
      const unary = method as DescMethodUnary;
      const handle = handlerOf(unary, implementation as Implementation, options);
      rpcs.set(`/${rpcOf(method)}`, { wires: wiresOf(unary, jsonOptions), handle });
      return router;
    },
    service: (service, implementations, serviceOptions) => {
      const known = implementations as Record<string, Implementation | undefined>;
      for (const method of service.methods) {
        collecting.rpc(method, known[method.localName]?.bind(known) as never, serviceOptions);
      }
      return router;
    },
  };
  const router = collecting as ConnectRouter;
  routes(router);
  return (request, response) => {
    if (!isCommon(request)) return false;
    const url = rewriteUrl(request);
    const queryAt = url.indexOf("?");
    const rpc = rpcs.get(queryAt < 0 ? url : url.slice(0, queryAt));
    const wire = rpc?.wires.get(request.headers["content-type"]);
    if (!rpc || !wire?.isCommon(request, options.maxBytes)) return false;
    request.url = url;
    rpc.handle(wire, request, response).catch((error) => {
      options.logger.error({ err: error }, "failed");
      response.destroy();
    });
    return true;
  };
}

function isCommon({ method, headers, socket }: Request): boolean {
  const { host = headers[":authority"] } = headers;
  if (method !== "POST" || typeof host !== "string") return false;
  return isOrigin("encrypted" in socket ? "https" : "http", host);
}

/** By the type of their content. */
function wiresOf(method: DescMethodUnary, jsonOptions: JsonOptions): LeanRpc["wires"] {
  const grpc = grpcWire(method);
  return new Map([
    ["application/json", connectWire(method, true, jsonOptions)],
    ["application/proto", connectWire(method, false, jsonOptions)],
    ["application/grpc", grpc],
    ["application/grpc+proto", grpc],
  ]);
}

function handlerOf(
  method: DescMethodUnary,
  implementation: Implementation,
  { chain, headers: everyAnswers, shutdownSignal, logger: _, ...decodeOptions }: LeanOptions,
): LeanRpc["handle"] {
  const next = composed(method, implementation, chain.interceptors);
  const empty = create(method.input);
  return async (wire, request, response) => {
    const body = new Body(request, decodeOptions.maxBytes);
    const connection = new HttpConnection(request);
    const call = new LeanCall(wire.protocolName, method, empty, request, response, shutdownSignal);
    call.values.set(connectionKey, connection).set(decodeKey, async () => {
      const bytes = wire.open(await body.read(), call);
      return decodeMessage(method, { bytes }, wire, decodeOptions);
    });
    let reply: Content | ConnectError;
    let leave: (() => void) | undefined;
    try {
      await inStep();
      leave = await chain.gate(call);
      const { message } = await next(call);
      reply = wire.encode(message, connection);
    } catch (cause) {
      reply = cause instanceof ConnectError ? cause : errors.internalError({ cause });
    } finally {
      leave?.();
      call.end();
    }
    const arrived = body.arrived();
    // As decodeInChain does it, and for the same reason.
    if (arrived) await arrived;
    const headers = { ...everyAnswers };
    const redirected = redirection(connection, call.hasResponseHeaders ? call.responseHeader : undefined);
    if (redirected === undefined) return wire.answer(response, call, headers, reply);
    addHeaders(headers, redirected.header);
    response.writeHead(redirected.status, headers).end();
  };
}

/** The implementation behind the interceptors. */
function composed(
  method: DescMethodUnary,
  implementation: Implementation,
  interceptors: readonly Interceptor[],
): Answer {
  const answer: Answer = async (request) => {
    // It is the request that came in: those in between put in but another message.
    const call = request as LeanCall;
    const reply = await implementation(call.message, call);
    return new LeanReply(call, isMessage(reply, method.output) ? reply : create(method.output, { ...reply }));
  };
  // What is given a unary request by an interceptor is unary.
  return interceptors.reduceRight((next, wrap) => wrap(next as never) as Answer, answer);
}
