/**
 * The common case on a short way: a unary call in Connect's protocol, by POST, not compressed, without a deadline. To
 * Connect's handlers every request is a stream of bytes with four AbortControllers, whatever it needs of that; here the
 * same gate, interceptors and implementations get the same request, and the same answer is written, in one piece. What
 * a call seldom needs (a signal, headers of its response) is made when it is asked for. Everything else is left to
 * Fastify and Connect's handlers.
 */
import type { OutgoingHttpHeaders } from "node:http";
import {
  create,
  type DescMethodUnary,
  isMessage,
  type Message,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import {
  ConnectError,
  type ConnectRouter,
  type ConnectRouterOptions,
  type HandlerContext,
  type Interceptor,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import { mergeNonProtocolHeaders } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorToJsonBytes, trailerMux } from "@connectrpc/connect/protocol-connect";
import { rpcOf } from "../api.ts";
import { errors } from "../errors.ts";
import { connectionKey } from "../interceptors/connection.ts";
import { decodeKey } from "../interceptors/decode.ts";
import type { Chain } from "../interceptors/index.ts";
import type { Log } from "../log.ts";
import { Body, type Content, packerOf } from "./body.ts";
import { checkVersion, type DecodeOptions, decodeMessage } from "./decode-message.ts";
import { HttpConnection } from "./http-connection.ts";
import { LeanCall, type Request, type Response } from "./lean-call.ts";
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

/** What a service may bring of its own. */
type RpcOptions = LeanOptions & { readonly jsonOptions: ConnectRouterOptions["jsonOptions"] | undefined };
type Implementation = (message: Message, context: HandlerContext) => object | Promise<object>;
type Answer = (request: UnaryRequest) => Promise<UnaryResponse>;
type LeanHandler = (request: Request, response: Response) => Promise<void>;
/** Answers what is of the common case; false: it is not, and has been left alone. */
export type Lean = (request: Request, response: Response) => boolean;

/** @param routes has the RPCs, of which the unary ones are served */
export function createLean(routes: (router: ConnectRouter) => void, options: LeanOptions): Lean {
  const handlers = new Map<string, LeanHandler>();
  const collecting: Pick<ConnectRouter, "rpc" | "service"> = {
    rpc: (method, implementation, { jsonOptions } = {}) => {
      if (method.methodKind !== "unary" || implementation === undefined) return router;
      const answer = implementation as Implementation;
      const rpcOptions = { ...options, jsonOptions };
      handlers.set(`/${rpcOf(method)}`, leanHandler(method as DescMethodUnary, answer, rpcOptions));
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
    if (!isCommon(request, options.maxBytes)) return false;
    const url = rewriteUrl(request);
    const queryAt = url.indexOf("?");
    const handler = handlers.get(queryAt < 0 ? url : url.slice(0, queryAt));
    if (handler === undefined) return false;
    request.url = url;
    handler(request, response).catch((error) => {
      options.logger.error({ err: error }, "failed");
      response.destroy();
    });
    return true;
  };
}

function isCommon({ method, headers, socket }: Request, maxBytes: number): boolean {
  const { "content-type": type, "content-length": length, host = headers[":authority"] } = headers;
  return (
    method === "POST" &&
    (type === "application/json" || type === "application/proto") &&
    Number(length ?? Number.NaN) <= maxBytes &&
    headers["content-encoding"] === undefined &&
    headers["connect-timeout-ms"] === undefined &&
    typeof host === "string" &&
    isOrigin("encrypted" in socket ? "https" : "http", host)
  );
}

function leanHandler(
  method: DescMethodUnary,
  implementation: Implementation,
  { chain, headers: everyAnswers, shutdownSignal, jsonOptions, logger: _, ...decodeOptions }: RpcOptions,
): LeanHandler {
  const next = composed(method, implementation, chain.interceptors);
  const empty = create(method.input);
  return async (request, response) => {
    const json = request.headers["content-type"] === "application/json";
    const body = new Body(request);
    const connection = new HttpConnection(request);
    const call = new LeanCall(method, empty, request, response, shutdownSignal);
    call.values.set(connectionKey, connection).set(decodeKey, async () => {
      checkVersion(call.requestHeader.get("connect-protocol-version"), "1");
      return decodeMessage(method, { bytes: await body.read() }, { json }, decodeOptions);
    });
    let status = 200;
    let content: Content;
    let leave: (() => void) | undefined;
    try {
      leave = await chain.gate(call);
      const { message } = await next(call);
      if (json) {
        const text = toJsonString(method.output, message, jsonOptions);
        content = connection.rewriteJson?.(text) ?? text;
      } else content = toBinary(method.output, message);
    } catch (cause) {
      const error = cause instanceof ConnectError ? cause : errors.internalError({ cause });
      status = codeToHttpStatus(error.code);
      mergeNonProtocolHeaders(call.responseHeader, error.metadata);
      content = errorToJsonBytes(error, jsonOptions);
    } finally {
      leave?.();
      call.end();
    }
    const arrived = body.arrived();
    // As decodeInChain does it, and for the same reason.
    if (arrived) await arrived;
    const headers: OutgoingHttpHeaders = { ...everyAnswers };
    if (call.hasResponseHeaders) {
      const redirected = redirection(connection, call.responseHeader);
      const all = redirected?.header ?? trailerMux(call.responseHeader, call.responseTrailer);
      for (const [name, value] of all) headers[name] = name === "set-cookie" ? all.getSetCookie() : value;
      if (redirected) return end(response, redirected.status, headers, "", 0);
    }
    headers["content-type"] = json || status !== 200 ? "application/json" : "application/proto";
    const bytes = Buffer.byteLength(content);
    const packer = packerOf(bytes, call.requestHeader.get("accept-encoding"));
    if (packer === undefined) return end(response, status, headers, content, bytes);
    headers["content-encoding"] = packer.name;
    const packed = await packer.compress(Buffer.from(content));
    end(response, status, headers, packed, packed.length);
  };
}

function end(
  response: Response,
  status: number,
  headers: OutgoingHttpHeaders,
  content: Content,
  bytes: number,
): void {
  headers["content-length"] = bytes;
  response.writeHead(status, headers);
  response.end(content);
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
    return {
      stream: false,
      service: method.parent,
      method,
      message: isMessage(reply, method.output) ? reply : create(method.output, { ...reply }),
      get header() {
        return call.responseHeader;
      },
      get trailer() {
        return call.responseTrailer;
      },
    };
  };
  // What is given a unary request by an interceptor is unary.
  const wrap = (next: Answer, interceptor: Interceptor) => interceptor(next as never) as Answer;
  return interceptors.reduceRight(wrap, answer);
}
