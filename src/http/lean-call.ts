/** A call on the short way (see lean-unary.ts). What it seldom needs is made when it is asked for. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import { createContextValues, type HandlerContext, type UnaryRequest } from "@connectrpc/connect";
import { RequestHeaders } from "./request-headers.ts";

export type Request = IncomingMessage | Http2ServerRequest;
export type Response = ServerResponse | Http2ServerResponse;

/** Why a signal is aborted of a call that nothing can be told any more. */
const ended = new Error("the call has ended");

/** The signals of calls under way, which the server's shutdown aborts. */
export class Signals {
  readonly #shutdown: AbortSignal;
  readonly #open = new Set<AbortController>();

  constructor(shutdown: AbortSignal) {
    this.#shutdown = shutdown;
    shutdown.addEventListener("abort", () => {
      for (const controller of this.#open) controller.abort(shutdown.reason);
    });
  }

  open(response: Response): AbortController {
    const controller = new AbortController();
    this.#open.add(controller);
    if (this.#shutdown.aborted) controller.abort(this.#shutdown.reason);
    if (response.destroyed) controller.abort(ended);
    response.once("close", () => controller.abort(ended));
    return controller;
  }

  end(controller: AbortController): void {
    this.#open.delete(controller);
    controller.abort(ended);
  }
}

/** A call, as its interceptors and as its implementation know it. */
export class LeanCall implements HandlerContext, UnaryRequest {
  readonly stream = false;
  readonly protocolName = "connect";
  readonly requestMethod = "POST";
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
  readonly #signals: Signals;
  #controller: AbortController | undefined;
  #responseHeader: Headers | undefined;
  #responseTrailer: Headers | undefined;

  constructor(
    method: DescMethodUnary,
    empty: Message,
    request: Request,
    response: Response,
    signals: Signals,
  ) {
    this.method = method;
    this.service = method.parent;
    this.message = empty;
    this.#request = request;
    this.#response = response;
    this.#signals = signals;
    this.requestHeader = new RequestHeaders(request.headers);
    this.header = this.requestHeader;
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#signals.open(this.#response);
    return this.#controller.signal;
  }

  end(): void {
    if (this.#controller) this.#signals.end(this.#controller);
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

  timeoutMs(): undefined {
    return undefined;
  }

  get url(): string {
    const { host = this.#request.headers[":authority"] ?? "localhost" } = this.#request.headers;
    return `http://${host}${this.#request.url}`;
  }
}
