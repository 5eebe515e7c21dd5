/**
 * What runs in the page: connect-web with our generated messages, called as a web application calls it. The test
 * speaks with it through `globalThis.inPage`, in the JSON of the schema.
 */
import { type DescService, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { ViolationsSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { apiServices } from "../../../src/api.ts";
import {
  EventService,
  WatchEventsRequestSchema,
  WatchEventsResponseSchema,
} from "../../../src/gen/gitpod/v1/event_pb.ts";
import { ControlService } from "../../../src/gen/runnermock/v1/control_pb.ts";
import { ExplanationSchema } from "../../../src/gen/runnermock/v1/explanation_pb.ts";
import type { JsonObject, RpcName } from "../client.ts";

/** How a page calls. */
export interface Setting {
  readonly protocol: "connect" | "grpc-web";
  /** By default both transports do as they do by default. */
  readonly useBinaryFormat?: boolean;
  readonly useHttpGet?: boolean;
}

type Headers = Readonly<Record<string, string>>;

/** What a page learns of a call. */
export interface Answer {
  readonly reply?: JsonObject;
  readonly error?: { readonly code: string; readonly message: string };
  /** The details that the error has of these kinds. */
  readonly violations?: readonly JsonObject[];
  readonly explanations?: readonly JsonObject[];
  /** Those of the response that the page may read. */
  readonly headers: Headers;
}

let transport: Transport | undefined;
const watches: Watch[] = [];

const abilities = {
  setUp(baseUrl: string, { protocol, ...options }: Setting): void {
    transport =
      protocol === "connect"
        ? createConnectTransport({ baseUrl, ...options })
        : createGrpcWebTransport({ baseUrl });
  },

  async call(rpc: RpcName, request: JsonObject, headers: Headers = {}): Promise<Answer> {
    const [serviceName, methodName] = rpc.split("/");
    const service: DescService | undefined = [...apiServices, ControlService].find(
      ({ name }) => name === serviceName,
    );
    const method = service?.methods.find(({ name }) => name === methodName);
    if (service === undefined || method === undefined) throw new Error(`there is no RPC ${rpc}`);
    const client = createClient(service, ready());
    const call = client[method.localName] as unknown as UnaryCall;
    let readable: Headers = {};
    const onHeader = (header: globalThis.Headers) => {
      readable = Object.fromEntries(header);
    };
    try {
      const reply = await call(fromJson(method.input, request as JsonValue), { headers, onHeader });
      return { reply: toJson(method.output, reply) as JsonObject, headers: readable };
    } catch (error) {
      return failure(error);
    }
  },

  /** @returns what the other two call it */
  watch(request: JsonObject, headers: Headers = {}): number {
    return watches.push(new Watch(request, headers)) - 1;
  },

  next(watch: number, count: number): Promise<readonly JsonObject[]> {
    return found(watch).next(count);
  },

  /** @returns how it ended */
  ended(watch: number): Promise<string> {
    return found(watch).ended;
  },

  leave(watch: number): void {
    found(watch).controller.abort();
  },
};

class Watch {
  readonly controller = new AbortController();
  readonly ended: Promise<string>;
  readonly #heard: JsonObject[] = [];
  #wake = () => {};

  constructor(request: JsonObject, headers: Headers) {
    this.ended = this.#hear(request, headers).catch((error) => {
      const { code, message } = failure(error).error ?? {};
      return `${code}: ${message}`;
    });
  }

  async next(count: number): Promise<readonly JsonObject[]> {
    const early = this.ended.then((how) => {
      throw new Error(`the watch has ended: ${how}`);
    });
    while (this.#heard.length < count) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await Promise.race([woken, early]);
    }
    early.catch(() => {});
    return this.#heard.splice(0, count);
  }

  async #hear(request: JsonObject, headers: Headers): Promise<string> {
    const message = fromJson(WatchEventsRequestSchema, request as JsonValue);
    const { signal } = this.controller;
    for await (const event of createClient(EventService, ready()).watchEvents(message, { headers, signal })) {
      this.#heard.push(toJson(WatchEventsResponseSchema, event) as JsonObject);
      this.#wake();
    }
    return "ok";
  }
}

type UnaryCall = (
  message: unknown,
  options: { headers: Headers; onHeader(header: globalThis.Headers): void },
) => Promise<never>;

function ready(): Transport {
  if (transport === undefined) throw new Error("the page has not been set up");
  return transport;
}

function found(watch: number): Watch {
  const one = watches[watch];
  if (one === undefined) throw new Error(`there is no watch ${watch}`);
  return one;
}

function failure(error: unknown): Answer {
  const failed = ConnectError.from(error, Code.Unknown);
  return {
    error: { code: codeToString(failed.code), message: failed.rawMessage },
    violations: failed
      .findDetails(ViolationsSchema)
      .map((detail) => toJson(ViolationsSchema, detail) as JsonObject),
    explanations: failed
      .findDetails(ExplanationSchema)
      .map((detail) => toJson(ExplanationSchema, detail) as JsonObject),
    headers: Object.fromEntries(failed.metadata),
  };
}

declare global {
  var inPage: InPage;
}

export type InPage = typeof abilities;

globalThis.inPage = abilities;
