/** What the faults of a world do to its calls; which calls meet one is the domain's business (domain/faults.ts). */
import { create, isMessage, type Message, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  type Duration,
  DurationSchema,
  durationMs,
  MethodOptions_IdempotencyLevel,
  timestampMs,
} from "@bufbuild/protobuf/wkt";
import {
  Code,
  type ConnectError,
  type ContextValues,
  createContextKey,
  type Interceptor,
  type StreamRequest,
  type StreamResponse,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import { codeFromString } from "@connectrpc/connect/protocol-connect";
import { aborted, onAbort } from "../abort.ts";
import { callOf, responseOf, worldOf } from "../call.ts";
import { type HostTime, maxTimerMs } from "../clock.ts";
import type { CallWire } from "../domain/call-log.ts";
import type { FaultTarget } from "../domain/faults.ts";
import { endedBy, errors, isServerStopping } from "../errors.ts";
import type { PaginationRequest, PaginationResponse } from "../gen/gitpod/v1/pagination_pb.ts";
import { PaginationRequestSchema } from "../gen/gitpod/v1/pagination_pb.ts";
import { RunnerSchema } from "../gen/gitpod/v1/runner_pb.ts";
import type { Fault, FaultError, FaultMiss } from "../gen/runnermock/v1/control_pb.ts";
import { canonical } from "../ids.ts";
import type { World } from "../world.ts";
import { withMessage } from "./with-message.ts";

/** The response header that names the fault. */
export const faultHeader = "runner-mock-fault";

/** The fault that a call has met. */
export const faultIdKey = createContextKey<string | undefined>(undefined, { description: "fault" });

/** What the HTTP layer knows of a call, and can do to it beyond answering it. */
export interface Connection {
  readonly wire: CallWire;
  /** Breaks it off without an answer. */
  breakOff(): void;
  /** Where the call is sent, with status 308 instead of whatever else is answered. */
  redirectedTo?: string;
}

/** Undefined where there is no HTTP. */
export const connectionKey = createContextKey<Connection | undefined>(undefined, {
  description: "connection",
});

/** @param host in whose time calls are delayed */
export function createInjectFaults(host: HostTime): Interceptor {
  return (next) => (request) =>
    worldOf(request.contextValues).faults.none ? next(request) : withFault(next, request, host);
}

type Next = Parameters<Interceptor>[0];

async function withFault(next: Next, request: UnaryRequest | StreamRequest, host: HostTime) {
  const { contextValues: values, method } = request;
  const { world, caller } = callOf({ values });
  const named = request.stream ? "" : ((request.message as { runnerId?: string }).runnerId ?? "");
  const target: FaultTarget = {
    method,
    runnerIds: [canonical(named), caller.runnerId ?? ""],
    callerId: caller.subject.id,
  };
  const fault = await world.faults.meet(target);
  if (fault === undefined) return next(request);
  values.set(faultIdKey, fault.faultId);
  responseOf(values).responseHeader.set(faultHeader, fault.faultId);
  if (fault.delay !== undefined) await passed(durationMs(fault.delay), host, request);
  refuseBy(fault, values);
  if (request.stream) {
    const response = (await next(request)) as StreamResponse;
    return { ...response, message: cutBy(fault, response.message, request.signal) };
  }
  if (fault.effect.case === "emptyReply") return emptyReply(request, values);
  const response = (await next(askedLess(request, fault))) as UnaryResponse;
  return { ...response, message: await spoiled(response.message, request, fault, world) };
}

/** @throws what the fault fails the call with, if it does */
function refuseBy({ effect, faultId }: Fault, values: ContextValues): void {
  const connection = values.get(connectionKey);
  if (effect.case === "error") throw injected(effect.value, faultId);
  if (effect.case === "reset") {
    connection?.breakOff();
    throw errors.injectedFault({ message: "the connection was broken off" }, { code: Code.Aborted });
  }
  if (effect.case === "redirect") {
    if (connection) connection.redirectedTo = effect.value.location;
    throw errors.injectedFault({ message: `sent to ${effect.value.location}` });
  }
}

function injected(
  { code, message, details, retryDelay, headers }: FaultError,
  faultId: string,
): ConnectError {
  const all = details.map(({ type, value }) => ({ type, value }));
  if (retryDelay !== undefined) all.push(retryInfo(retryDelay));
  return errors.injectedFault(
    { message: message || `injected by ${faultId}` },
    { code: codeFromString(code), details: all, headers },
  );
}

/** A google.rpc.RetryInfo, whose field 1 is the delay. */
function retryInfo(delay: Duration) {
  const value = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(toBinary(DurationSchema, delay));
  return { type: "google.rpc.RetryInfo", value: value.finish() };
}

/**
 * Resolves after the delay, and at once if the server stops while an answer is under way, which then goes out.
 *
 * @throws ConnectError if the call ends before that
 */
async function passed(
  delayMs: number,
  host: HostTime,
  { signal, stream }: UnaryRequest | StreamRequest,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const disarm = host.setTimer(Math.min(delayMs, maxTimerMs), resolve);
    onAbort(signal, () => {
      disarm();
      if (!stream && isServerStopping(signal.reason)) resolve();
      else reject(endedBy(signal));
    });
  });
}

function emptyReply({ method, service }: UnaryRequest, values: ContextValues): UnaryResponse {
  const message = create(method.output);
  const { responseHeader: header, responseTrailer: trailer } = responseOf(values);
  return { stream: false, service, method, header, trailer, message };
}

/** The request, for a page that is no larger than the fault allows. */
function askedLess(request: UnaryRequest, { effect }: Fault): UnaryRequest {
  const { message, method } = request;
  if (effect.case !== "pageCap" || method.input.field.pagination?.message !== PaginationRequestSchema)
    return request;
  const { pagination } = message as { pagination?: PaginationRequest };
  const asked = pagination?.pageSize || effect.value.size;
  const pageSize = Math.min(asked, effect.value.size);
  const capped = create(PaginationRequestSchema, { token: pagination?.token ?? "", pageSize });
  return withMessage(request, { ...message, pagination: capped } as Message);
}

/** The reply as the fault has it. */
async function spoiled(
  reply: Message,
  request: UnaryRequest,
  { effect }: Fault,
  world: World,
): Promise<Message> {
  const { message, method } = request;
  if (effect.case === "miss") {
    const isRead = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
    return isRead ? missed(reply, effect.value, world) : reply;
  }
  if (effect.case !== "repeatedPageToken") return reply;
  const { pagination } = reply as { pagination?: PaginationResponse };
  const { token = "" } = (message as { pagination?: PaginationRequest }).pagination ?? {};
  if (pagination === undefined || token === "") return reply;
  return { ...reply, pagination: { ...pagination, nextToken: token } } as Message;
}

/** @throws not_found for one that is missed; a list is without it */
async function missed(
  reply: Message,
  { within }: FaultMiss,
  { clock, configuration }: World,
): Promise<Message> {
  const sinceMs = clock.nowMs() - (within === undefined ? 0 : durationMs(within));
  const missing = async (item: unknown) => {
    if (isMessage(item, RunnerSchema)) {
      const isNew = item.updatedAt !== undefined && timestampMs(item.updatedAt) > sinceMs;
      return isNew ? errors.runnerNotFound() : undefined;
    }
    return isMessage(item) ? configuration.missed(item, sinceMs) : undefined;
  };
  const fields = Object.entries(reply).map(async ([name, value]) => {
    if (Array.isArray(value)) {
      const misses = await Promise.all(value.map(missing));
      return [name, value.filter((_, index) => misses[index] === undefined)];
    }
    const miss = await missing(value);
    if (miss !== undefined) throw miss;
    return [name, value];
  });
  return Object.fromEntries(await Promise.all(fields));
}

/** The stream up to where the fault cuts it. */
async function* cutBy({ effect, faultId }: Fault, messages: AsyncIterable<Message>, signal: AbortSignal) {
  if (effect.case === "emptyReply") return;
  if (effect.case !== "cutStream") return yield* messages;
  const { after, error } = effect.value;
  let sent = 0;
  for await (const message of after > 0 ? messages : []) {
    yield message;
    if (++sent >= after) break;
  }
  if (error !== undefined) throw injected(error, faultId);
  await aborted(signal);
  throw endedBy(signal);
}
