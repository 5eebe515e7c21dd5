/** What faults do to a stream. */
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { StreamRequest, StreamResponse } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { aborted } from "../../abort.ts";
import { callOf } from "../../call.ts";
import type { HostTime } from "../../clock.ts";
import { endedBy } from "../../errors.ts";
import { EventService, type WatchEventsRequest } from "../../gen/gitpod/v1/event_pb.ts";
import type {
  Fault,
  FaultCutStream,
  FaultNewerSchema,
  FaultSlowStream,
} from "../../gen/runnermock/v1/control_pb.ts";
import type { Next } from "../inject-faults.ts";
import { passed } from "./delay.ts";
import type { Fail } from "./errors.ts";
import { newer } from "./newer-schema.ts";

interface Surroundings {
  readonly fail: Fail;
  readonly host: HostTime;
}

/** The stream as the fault has it. */
export async function spoiledStream(
  effect: Fault["effect"],
  request: StreamRequest,
  next: Next,
  { fail, host }: Surroundings,
): Promise<StreamResponse> {
  const { method, signal } = request;
  if (effect.case === "repeatEvents") return repeated(effect.value.last, request, next);
  const response = (await next(request)) as StreamResponse;
  const changed = (message: AsyncIterable<Message>) => ({ ...response, message });
  switch (effect.case) {
    case "emptyReply":
      return changed(createAsyncIterable([]));
    case "cutStream":
      return changed(cut(response.message, effect.value, fail, signal));
    case "slowStream":
      return changed(slowed(response.message, effect.value, (delayMs) => passed(delayMs, host, request)));
    case "newerSchema":
      return changed(newerStream(method.output, response.message, effect.value));
    default:
      return response;
  }
}

async function* cut(
  messages: AsyncIterable<Message>,
  { after, error }: FaultCutStream,
  fail: Fail,
  signal: AbortSignal,
) {
  let sent = 0;
  for await (const message of after > 0 ? messages : []) {
    yield message;
    if (++sent >= after) break;
  }
  if (error !== undefined) throw fail(error);
  await aborted(signal);
  throw endedBy(signal);
}

async function* slowed(
  messages: AsyncIterable<Message>,
  { gap, every }: FaultSlowStream,
  wait: (delayMs: number) => Promise<void>,
) {
  let sent = 0;
  for await (const message of messages) {
    if (sent++ % (every || 1) === 0 && gap !== undefined) await wait(durationMs(gap));
    yield message;
  }
}

/** A message more after the first, where a value that is unknown would else take the place of one that counts. */
async function* newerStream(desc: DescMessage, messages: AsyncIterable<Message>, what: FaultNewerSchema) {
  let isFirst = true;
  for await (const message of messages) {
    yield newer(desc, message, { fields: what.fields, enumValues: false });
    if (isFirst && what.enumValues) yield newer(desc, message, what);
    isFirst = false;
  }
}

/** Watching has begun before it is looked up what was before: so nothing gets lost in between. */
async function repeated(last: number, request: StreamRequest, next: Next): Promise<StreamResponse> {
  if (request.method !== EventService.method.watchEvents) return (await next(request)) as StreamResponse;
  let asked: WatchEventsRequest | undefined;
  const message = (async function* () {
    for await (const each of request.message) {
      asked = each as WatchEventsRequest;
      yield each;
    }
  })();
  const response = (await next({ ...request, message })) as StreamResponse;
  const { world, caller } = callOf({ values: request.contextValues });
  const { message: coming } = response;
  const all = async function* () {
    if (asked !== undefined) yield* await world.watches.before(asked, caller, last);
    yield* coming;
  };
  return { ...response, message: all() };
}
