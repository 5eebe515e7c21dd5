/** Keeps a log of the calls in the world that they go to: what was asked, by whom, and what came of it. */
import type { DescMethod, Message } from "@bufbuild/protobuf";
import { ConnectError, type ContextValues, createContextKey, type Interceptor } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { callerKey, worldKey } from "../call.ts";
import type { HostTime } from "../clock.ts";
import type { CallRecord } from "../domain/call-log.ts";
import { connectionKey } from "./connection.ts";
import { checkEachMessage } from "./each-message.ts";
import type { Gate } from "./gate.ts";
import { meetingKey } from "./inject-faults.ts";
import { withOutcome } from "./outcome.ts";
import { protocolOf } from "./protocol.ts";

/** What has been read of the call's request. */
const requestKey = createContextKey<Message | undefined>(undefined, { description: "request" });

/** Takes note of the request once it has been read. */
export const noteRequest = checkEachMessage((message, _, values) => {
  values.set(requestKey, message);
});

/** Hears of each call that has ended. */
export type Observe = (method: DescMethod, code: string, durationMs: number) => void;

/** Records the calls that get past the gate. @param host for how long calls take: that is the machine's time */
export function createRecord(host: HostTime, observe: Observe | undefined): Interceptor {
  return (next) => (request) => {
    const recording = new Recording(host, request.method, request.contextValues, request.header);
    let begun: CallRecord | undefined;
    return withOutcome(
      async () => {
        const response = await next(request);
        if (response.stream) {
          // A stream is in the log from its beginning.
          const record = recording.add({});
          begun = record;
          return { ...response, message: record ? counted(response.message, record) : response.message };
        }
        recording.add({ reply: response.message, durationMs: recording.durationMs });
        return response;
      },
      (error) => {
        const failure = error === undefined ? undefined : ConnectError.from(error);
        const outcome = { error: failure, durationMs: recording.durationMs };
        if (begun !== undefined) recording.end(begun, outcome);
        else if (error !== undefined) recording.add(outcome);
        observe?.(
          request.method,
          failure === undefined ? "ok" : codeToString(failure.code),
          outcome.durationMs,
        );
        return error;
      },
    );
  };
}

/** The gate, recording the calls that it refuses, where it knows of their world. */
export function withRecord(gate: Gate, host: HostTime, observe: Observe | undefined): Gate {
  return async (context) => {
    const recording = new Recording(host, context.method, context.values, context.requestHeader);
    try {
      return await gate(context);
    } catch (error) {
      const failure = ConnectError.from(error);
      const { durationMs } = recording;
      recording.add({ error: failure, durationMs });
      observe?.(context.method, codeToString(failure.code), durationMs);
      throw error;
    }
  };
}

type Outcome = Partial<Pick<CallRecord, "reply" | "error" | "durationMs">>;

class Recording {
  readonly #host: HostTime;
  readonly #method: DescMethod;
  readonly #values: ContextValues;
  readonly #header: Headers;
  readonly #begunAtMs: number;

  constructor(host: HostTime, method: DescMethod, values: ContextValues, header: Headers) {
    this.#host = host;
    this.#method = method;
    this.#values = values;
    this.#header = header;
    this.#begunAtMs = host.monotonicMs();
  }

  get durationMs(): number {
    // In microseconds: what is finer says nothing.
    return Math.round((this.#host.monotonicMs() - this.#begunAtMs) * 1_000) / 1_000;
  }

  /** Undefined where the call belongs to no world. */
  add({ reply, error, durationMs }: Outcome): CallRecord | undefined {
    const world = this.#values.get(worldKey);
    const { faultId, adversity } = this.#values.get(meetingKey) ?? {};
    return world?.calls.add({
      method: this.#method,
      protocol: protocolOf(this.#values, this.#header),
      wire: this.#values.get(connectionKey)?.wire,
      userAgent: this.#header.get("user-agent") ?? "",
      atMs: world.clock.nowMs(),
      caller: this.#values.get(callerKey)?.subject,
      faultId,
      adversity,
      request: this.#values.get(requestKey),
      reply,
      error,
      durationMs,
      messages: 0,
    });
  }

  end(record: CallRecord, outcome: Pick<CallRecord, "error" | "durationMs">): void {
    this.#values.get(worldKey)?.calls.end(record, outcome);
  }
}

async function* counted<T>(messages: AsyncIterable<T>, record: CallRecord) {
  for await (const message of messages) {
    record.messages++;
    yield message;
  }
}
