/**
 * Whether a call meets faults, which is the domain's business (domain/faults.ts), and what tells of it. What faults do is
 * loaded with the first call that meets one: most mocks have none.
 */
import {
  createContextKey,
  type Interceptor,
  type StreamRequest,
  type UnaryRequest,
} from "@connectrpc/connect";
import { callOf, responseOf, worldOf } from "../call.ts";
import type { HostTime } from "../clock.ts";
import type { FaultTarget, Meeting } from "../domain/faults.ts";
import { canonical } from "../ids.ts";
import { connectionKey } from "./connection.ts";
import { protocolOf } from "./protocol.ts";

/** The response headers that name the fault, or the seed and the kinds of adversity. */
export const faultHeader = "runner-mock-fault";
export const adversityHeader = "runner-mock-adversity";

/** What a call has met. */
export const meetingKey = createContextKey<Meeting | undefined>(undefined, { description: "meeting" });

/** What answers a call. */
export type Next = Parameters<Interceptor>[0];

/** @param host in whose time calls are delayed */
export function createInjectFaults(host: HostTime): Interceptor {
  return (next) => (request) =>
    worldOf(request.contextValues).faults.none ? next(request) : throughFaults(next, request, host);
}

async function throughFaults(next: Next, request: UnaryRequest | StreamRequest, host: HostTime) {
  const { contextValues: values } = request;
  const { faults } = worldOf(values);
  const target = targetOf(request);
  const met = await faults.meet(target);
  const response = met === undefined ? await next(request) : await withFaults(met, next, request, host);
  if (!response.stream) faults.answered(target, response.message);
  return response;
}

async function withFaults(met: Meeting, next: Next, request: UnaryRequest | StreamRequest, host: HostTime) {
  const { contextValues: values } = request;
  values.set(meetingKey, met);
  const { responseHeader } = responseOf(values);
  const { faultId, adversity } = met;
  if (faultId !== undefined) responseHeader.set(faultHeader, faultId);
  if (adversity !== undefined)
    responseHeader.set(adversityHeader, `${adversity.seed};kinds="${adversity.kinds.join(" ")}"`);
  const { applied } = await import("./faults/apply.ts");
  return applied(met, next, host)(request);
}

function targetOf(request: UnaryRequest | StreamRequest): FaultTarget {
  const { contextValues: values, method, header, url } = request;
  const { caller } = callOf({ values });
  const named = request.stream ? "" : ((request.message as { runnerId?: string }).runnerId ?? "");
  const connection = values.get(connectionKey);
  const protocol = protocolOf(values, header);
  const isRedirectable = connection !== undefined && (protocol === "connect" || protocol === "jsonl");
  return {
    method,
    runnerIds: [canonical(named), caller.runnerId ?? ""],
    callerId: caller.subject.id,
    byRunner: caller.runnerId !== undefined,
    protocol,
    json: connection?.wire.contentType.includes("json") ?? false,
    self: isRedirectable ? lastStepOf(url) : undefined,
  };
}

/** The end of a URL's path and its query: relative to itself, itself, whatever goes before on the way to the client. */
function lastStepOf(url: string): string {
  const queryAt = url.indexOf("?");
  return url.slice(url.lastIndexOf("/", queryAt < 0 ? undefined : queryAt) + 1);
}
