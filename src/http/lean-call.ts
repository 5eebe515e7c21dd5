/** A call on the short way (see lean-unary.ts). What it seldom needs is made when it is asked for. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import {
  createContextValues,
  type HandlerContext,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import { RequestHeaders } from "./request-headers.ts";

export type Request = IncomingMessage | Http2ServerRequest;
export type Response = ServerResponse | Http2ServerResponse;

/** Why a signal is aborted of a call that nothing can be told any more. */
const ended = new Error("the call has ended");

const noTimeout = () => undefined;

/** A call, as its interceptors and as its implementation know it. */
export class LeanCall implements HandlerContext, UnaryRequest {
  readonly stream = false;
  readonly protocolName: string;
  readonly requestMethod = "POST";
  readonly timeoutMs = noTimeout;
  readonly method: DescMethodUnary;
  readonly service;
  readonly values = createContextValues();
  readonly contextValues = this.values;
  readonly requestHeader: Headers;
  readonly header: Headers;
  /** Empty, until what was sent has been read and put in its place. */
  readonly message: Message;
  readonly #request: Request;
  readonly #response: Response;
  readonly #shutdownSignal: AbortSignal;
  #controller: AbortController | undefined;
  #signal: AbortSignal | undefined;
  #responseHeader: Headers | undefined;
  #responseTrailer: Headers | undefined;

  constructor(
    protocolName: string,
    method: DescMethodUnary,
    empty: Message,
    request: Request,
    response: Response,
    shutdownSignal: AbortSignal,
  ) {
    this.protocolName = protocolName;
    this.method = method;
    this.service = method.parent;
    this.message = empty;
    this.#request = request;
    this.#response = response;
    this.#shutdownSignal = shutdownSignal;
    this.requestHeader = new RequestHeaders(request.headers);
    this.header = this.requestHeader;
  }

  get signal(): AbortSignal {
    if (this.#signal) return this.#signal;
    this.#controller = new AbortController();
    if (this.#response.destroyed) this.end();
    this.#response.once("close", () => this.end());
    this.#signal = AbortSignal.any([this.#shutdownSignal, this.#controller.signal]);
    return this.#signal;
  }

  end(): void {
    this.#controller?.abort(ended);
  }

  get hasResponseHeaders(): boolean {
    return this.#responseHeader !== undefined || this.#responseTrailer !== undefined;
  }

  get responseHeader(): Headers {
    this.#responseHeader ??= new Headers();
    return this.#responseHeader;
  }

  get responseTrailer(): Headers {
    this.#responseTrailer ??= new Headers();
    return this.#responseTrailer;
  }

  get url(): string {
    const { host = this.#request.headers[":authority"] ?? "localhost" } = this.#request.headers;
    return `http://${host}${this.#request.url}`;
  }
}

/** What a call is answered with, as its interceptors know it. */
export class LeanReply implements UnaryResponse {
  readonly stream = false;
  readonly method;
  readonly service;
  readonly message;
  readonly #call;

  constructor(call: LeanCall, message: Message) {
    this.#call = call;
    this.message = message;
    ({ method: this.method, service: this.service } = call);
  }

  get header() {
    return this.#call.responseHeader;
  }

  get trailer() {
    return this.#call.responseTrailer;
  }
}
