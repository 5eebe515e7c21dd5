/**
 * The common case on a short way: a unary call in Connect's protocol, by POST, not compressed, without a deadline. To
 * Connect's handlers every request is a stream of bytes with four AbortControllers, whatever it needs of that; here the
 * same interceptors and implementations get the same request, and the same answer is written, in one piece. Everything
 * else is left to Connect's handlers.
 */

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
  type ContextValues,
  createContextKey,
  createContextValues,
  type HandlerContext,
  type Interceptor,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import { mergeNonProtocolHeaders } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorToJsonBytes, trailerMux } from "@connectrpc/connect/protocol-connect";
import type { FastifyReply, FastifyRequest } from "fastify";
import { rpcOf } from "../api.ts";
import { errors } from "../errors.ts";
import { decodeKey } from "../interceptors/decode.ts";
import type { Chain } from "../interceptors/index.ts";
import { connectionKey } from "../interceptors/inject-faults.ts";
import { Body, type Content, compressed, write } from "./body.ts";
import { checkVersion, type DecodeOptions, decodeMessage } from "./decode-requests.ts";
import { HttpConnection } from "./http-connection.ts";
import { redirection } from "./redirects.ts";

export interface LeanOptions extends DecodeOptions {
  readonly chain: Pick<Chain, "interceptors" | "requestGate">;
  readonly shutdownSignal: AbortSignal;
}

/** What a service may bring of its own. */
type RpcOptions = LeanOptions & { readonly jsonOptions: ConnectRouterOptions["jsonOptions"] | undefined };
type LeanHandler = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
/** What answers a request at a path; undefined: it is not of the common case. */
export type Lean = (path: string, request: FastifyRequest) => LeanHandler | undefined;

type Implementation = (message: Message, context: HandlerContext) => object | Promise<object>;
type Answer = (request: UnaryRequest) => Promise<UnaryResponse>;

const contextKey = createContextKey<HandlerContext | undefined>(undefined, { description: "context" });

/** Why a signal is aborted of a call that nothing can be told any more. */
const ended = new Error("the call has ended");

/** @param routes has the RPCs, of which the unary ones are served */
export function createLean(routes: (router: ConnectRouter) => void, options: LeanOptions): Lean {
  const handlers = new Map<string, LeanHandler>();
  const underWay = new Set<AbortController>();
  options.shutdownSignal.addEventListener("abort", () => {
    for (const controller of underWay) controller.abort(options.shutdownSignal.reason);
  });
  const collecting: Pick<ConnectRouter, "rpc" | "service"> = {
    rpc: (method, implementation, { jsonOptions } = {}) => {
      if (method.methodKind !== "unary" || implementation === undefined) return router;
      const answer = implementation as Implementation;
      const rpcOptions = { ...options, jsonOptions };
      handlers.set(`/${rpcOf(method)}`, leanHandler(method as DescMethodUnary, answer, rpcOptions, underWay));
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
  return (path, { raw }) => (isCommon(raw, options.maxBytes) ? handlers.get(path) : undefined);
}

function isCommon({ method, headers }: FastifyRequest["raw"], maxBytes: number): boolean {
  const { "content-type": type, "content-length": length } = headers;
  return (
    method === "POST" &&
    (type === "application/json" || type === "application/proto") &&
    Number(length ?? Number.NaN) <= maxBytes &&
    headers["content-encoding"] === undefined &&
    headers["connect-timeout-ms"] === undefined
  );
}

function leanHandler(
  method: DescMethodUnary,
  implementation: Implementation,
  { chain, shutdownSignal, jsonOptions, ...decodeOptions }: RpcOptions,
  underWay: Set<AbortController>,
): LeanHandler {
  const next = composed(method, implementation, chain.interceptors);
  return async ({ raw }, reply) => {
    const json = raw.headers["content-type"] === "application/json";
    const body = new Body(raw);
    const connection = new HttpConnection(raw);
    const controller = new AbortController();
    underWay.add(controller);
    if (shutdownSignal.aborted) controller.abort(shutdownSignal.reason);
    reply.raw.once("close", () => controller.abort(ended));
    const values = createContextValues().set(connectionKey, connection);
    const context = new LeanContext(method, raw, values, controller.signal, json);
    values.set(contextKey, context).set(decodeKey, async () => {
      checkVersion(context.requestHeader.get("connect-protocol-version"), "1");
      return decodeMessage(method, { bytes: await body.read() }, { json }, decodeOptions);
    });
    let status = 200;
    let content: Content;
    try {
      await chain.requestGate(context);
      const { message } = await next(context.request);
      content = json ? toJsonString(method.output, message, jsonOptions) : toBinary(method.output, message);
    } catch (cause) {
      const error = cause instanceof ConnectError ? cause : errors.internalError({ cause });
      status = codeToHttpStatus(error.code);
      context.responseHeader.set("content-type", "application/json");
      mergeNonProtocolHeaders(context.responseHeader, error.metadata);
      content = errorToJsonBytes(error, jsonOptions);
    } finally {
      underWay.delete(controller);
      controller.abort(ended);
    }
    // As decodeInChain does it, and for the same reason.
    await body.arrived();
    const redirected = redirection(connection, context.responseHeader);
    if (redirected) return write(reply, redirected.status, redirected.header, "");
    const header = trailerMux(context.responseHeader, context.responseTrailer);
    write(reply, status, header, await compressed(content, context.requestHeader, header));
  };
}

/** The implementation behind the interceptors; the context that it gets comes with the request. */
function composed(
  method: DescMethodUnary,
  implementation: Implementation,
  interceptors: readonly Interceptor[],
) {
  const answer: Answer = async ({ message, contextValues }) => {
    const context = contextValues.get(contextKey) as HandlerContext;
    const reply = await implementation(message, context);
    return {
      stream: false,
      service: method.parent,
      method,
      header: context.responseHeader,
      trailer: context.responseTrailer,
      message: isMessage(reply, method.output) ? reply : create(method.output, { ...reply }),
    };
  };
  // What is given a unary request by an interceptor is unary.
  const wrap = (next: Answer, interceptor: Interceptor) => interceptor(next as never) as Answer;
  return interceptors.reduceRight(wrap, answer);
}

class LeanContext implements HandlerContext {
  readonly protocolName = "connect";
  readonly requestMethod = "POST";
  readonly service;
  readonly requestHeader = new Headers();
  readonly responseHeader;
  readonly responseTrailer = new Headers();
  readonly method: DescMethodUnary;
  readonly values: ContextValues;
  readonly signal: AbortSignal;
  readonly #raw: FastifyRequest["raw"];

  constructor(
    method: DescMethodUnary,
    raw: FastifyRequest["raw"],
    values: ContextValues,
    signal: AbortSignal,
    json: boolean,
  ) {
    this.method = method;
    this.service = method.parent;
    this.values = values;
    this.signal = signal;
    this.#raw = raw;
    this.responseHeader = new Headers({ "content-type": json ? "application/json" : "application/proto" });
    for (const [name, value] of Object.entries(raw.headers)) {
      if (name.startsWith(":") || value === undefined) continue;
      for (const each of Array.isArray(value) ? value : [value]) this.requestHeader.append(name, each);
    }
  }

  timeoutMs(): undefined {
    return undefined;
  }

  get url(): string {
    const { host = this.#raw.headers[":authority"] ?? "localhost" } = this.#raw.headers;
    return `http://${host}${this.#raw.url}`;
  }

  /** The request, whose message is put in its place once it has been read. */
  get request(): UnaryRequest {
    const {
      method,
      service,
      signal,
      values: contextValues,
      requestHeader: header,
      requestMethod,
      url,
    } = this;
    const message = create(method.input);
    return { stream: false, service, method, requestMethod, url, signal, header, contextValues, message };
  }
}
