/**
 * connectrpc.conformance.v1.ConformanceService, by its documentation: each request says how it wants to be answered,
 * and each answer says what was understood of the request. It knows nothing of our own code.
 */
import { setTimeout as wait } from "node:timers/promises";
import { create, type Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import {
  BidiStreamRequestSchema,
  ClientStreamRequestSchema,
  type ConformancePayload,
  ConformancePayload_ConnectGetInfoSchema,
  type ConformancePayload_RequestInfo,
  ConformancePayload_RequestInfoSchema,
  ConformancePayloadSchema,
  type ConformanceService,
  type Error as ErrorDefinition,
  type Header,
  IdempotentUnaryRequestSchema,
  ServerStreamRequestSchema,
  type StreamResponseDefinition,
  UnaryRequestSchema,
  type UnaryResponseDefinition,
} from "../../.clients/conformance/gen/connectrpc/conformance/v1/service_pb.ts";

/** The RPC `Unimplemented` is left out on purpose. */
export const conformanceService: Partial<ServiceImpl<typeof ConformanceService>> = {
  unary: async (request, context) => ({
    payload: await single(request.responseDefinition, [anyPack(UnaryRequestSchema, request)], context),
  }),

  idempotentUnary: async (request, context) => ({
    payload: await single(
      request.responseDefinition,
      [anyPack(IdempotentUnaryRequestSchema, request)],
      context,
    ),
  }),

  async clientStream(requests, context) {
    const { first, all } = await collected(ClientStreamRequestSchema, requests);
    return { payload: await single(first?.responseDefinition, all, context) };
  },

  async *serverStream(request, context) {
    const answers = new Answers(request.responseDefinition, context);
    answers.heard(anyPack(ServerStreamRequestSchema, request));
    yield* answers.rest();
  },

  async *bidiStream(requests, context) {
    let answers: Answers | undefined;
    let fullDuplex = false;
    for await (const request of requests) {
      if (answers === undefined) {
        answers = new Answers(request.responseDefinition, context);
        fullDuplex = request.fullDuplex;
      }
      answers.heard(anyPack(BidiStreamRequestSchema, request));
      if (!fullDuplex) continue;
      if (answers.areExhausted) break;
      yield answers.next();
    }
    if (answers !== undefined) yield* answers.rest();
  },
};

/** The one answer to a call, or the error that it asks for. */
async function single(
  definition: UnaryResponseDefinition | undefined,
  requests: Any[],
  context: HandlerContext,
): Promise<ConformancePayload> {
  const info = requestInfo(requests, context);
  if (definition === undefined) return payload(new Uint8Array(), info);
  const { response, responseHeaders, responseTrailers, responseDelayMs } = definition;
  addTo(context.responseHeader, responseHeaders);
  addTo(context.responseTrailer, responseTrailers);
  await pause(responseDelayMs, context);
  if (response.case === "error") throw errorAsDefined(response.value, info);
  return payload(response.case === "responseData" ? response.value : new Uint8Array(), info);
}

/** The answers of a stream, as its first request defines them. */
class Answers {
  readonly #definition: StreamResponseDefinition | undefined;
  readonly #context: HandlerContext;
  /** What has been heard since the last answer. */
  #requests: Any[] = [];
  #given = 0;

  constructor(definition: StreamResponseDefinition | undefined, context: HandlerContext) {
    this.#definition = definition;
    this.#context = context;
    addTo(context.responseHeader, definition?.responseHeaders ?? []);
    addTo(context.responseTrailer, definition?.responseTrailers ?? []);
  }

  heard(request: Any): void {
    this.#requests.push(request);
  }

  get areExhausted(): boolean {
    return this.#given >= (this.#definition?.responseData.length ?? 0);
  }

  async next() {
    await pause(this.#definition?.responseDelayMs ?? 0, this.#context);
    const info = this.#info();
    this.#requests = [];
    const data = this.#definition?.responseData[this.#given++] ?? new Uint8Array();
    return { payload: payload(data, info) };
  }

  /** The remaining answers, and the error behind them if there is one. */
  async *rest() {
    while (!this.areExhausted) yield await this.next();
    const error = this.#definition?.error;
    if (error !== undefined) throw errorAsDefined(error, this.#given === 0 ? this.#info() : undefined);
  }

  /** All about the call with the first answer, later only what has been heard since. */
  #info(): ConformancePayload_RequestInfo | undefined {
    if (this.#given === 0) return requestInfo(this.#requests, this.#context);
    if (this.#requests.length === 0) return undefined;
    return create(ConformancePayload_RequestInfoSchema, { requests: this.#requests });
  }
}

async function collected<T extends Message>(desc: GenMessage<T>, requests: AsyncIterable<T>) {
  let first: T | undefined;
  const all: Any[] = [];
  for await (const request of requests) {
    first ??= request;
    all.push(anyPack(desc, request));
  }
  return { first, all };
}

function payload(data: Uint8Array, info: ConformancePayload_RequestInfo | undefined): ConformancePayload {
  return create(ConformancePayloadSchema, { data, ...(info && { requestInfo: info }) });
}

function requestInfo(requests: Any[], context: HandlerContext): ConformancePayload_RequestInfo {
  const info = create(ConformancePayload_RequestInfoSchema, {
    requestHeaders: [...context.requestHeader].map(([name, value]) => ({ name, value: [value] })),
    requests,
  });
  const timeoutMs = context.timeoutMs();
  if (timeoutMs !== undefined) info.timeoutMs = BigInt(Math.trunc(timeoutMs));
  // The query is not told: requests are decoded before the handlers, which see it without its message.
  if (context.requestMethod === "GET") info.connectGetInfo = create(ConformancePayload_ConnectGetInfoSchema);
  return info;
}

function errorAsDefined(
  { code, message, details }: ErrorDefinition,
  info: ConformancePayload_RequestInfo | undefined,
): ConnectError {
  const about = info === undefined ? [] : [{ desc: ConformancePayload_RequestInfoSchema, value: info }];
  const error = new ConnectError(message ?? "", code as number, undefined, about);
  const asked = details.map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
    value,
  }));
  error.details.unshift(...asked);
  return error;
}

function addTo(headers: Headers, added: Header[]): void {
  for (const { name, value: values } of added) for (const value of values) headers.append(name, value);
}

/** @throws why the call has ended, if it does meanwhile */
async function pause(delayMs: number, { signal }: HandlerContext): Promise<void> {
  try {
    await wait(delayMs, undefined, { signal });
  } catch {
    throw signal.reason;
  }
}
