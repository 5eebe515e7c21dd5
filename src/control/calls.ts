/** Calls of the log as the control service tells of them. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { codeFromString, codeToString } from "@connectrpc/connect/protocol-connect";
import { isMeant, isRpcName, rpcOf } from "../api.ts";
import { type HostTime, maxTimerMs } from "../clock.ts";
import type { CallLog, CallRecord } from "../domain/call-log.ts";
import { errors } from "../errors.ts";
import { type CallFilter, CallSchema } from "../gen/runnermock/v1/control_pb.ts";
import { ExplanationSchema } from "../gen/runnermock/v1/explanation_pb.ts";
import { canonical } from "../ids.ts";
import { withoutSecrets } from "../secrets.ts";
import { shown } from "../shown.ts";

export function messageOf(record: CallRecord) {
  const {
    id,
    method,
    protocol,
    wire,
    userAgent,
    atMs,
    caller,
    request,
    reply,
    error,
    durationMs,
    messages,
    faultId,
    adversity,
  } = record;
  const call: MessageInitShape<typeof CallSchema> = {
    callId: id,
    rpc: rpcOf(method),
    protocol,
    ...wire,
    userAgent,
    at: timestampFromMs(atMs),
    messages,
    faultId: faultId ?? "",
  };
  if (caller !== undefined) call.caller = caller;
  if (adversity !== undefined) call.adversity = { seed: adversity.seed, kinds: [...adversity.kinds] };
  if (request !== undefined) call.request = withoutSecrets(method.input, request);
  if (reply !== undefined) call.reply = withoutSecrets(method.output, reply);
  if (error !== undefined) {
    const [explanation] = error.findDetails(ExplanationSchema);
    call.error = {
      code: codeToString(error.code),
      message: error.rawMessage,
      ...(explanation && { explanation }),
    };
  }
  if (durationMs !== undefined) {
    call.duration = durationFromMs(durationMs);
    // A fraction of a millisecond has no exact number of nanoseconds, and no message takes another.
    call.duration.nanos = Math.round(call.duration.nanos);
  }
  return create(CallSchema, call);
}

/**
 * A call passes that agrees with everything that is set.
 *
 * @throws invalid_argument for what no call could agree with
 */
export function callMatcher(filter: CallFilter | undefined): (record: CallRecord) => boolean {
  const { rpc = "", callerId = "", code = "" } = filter ?? {};
  if (rpc !== "" && !isRpcName(rpc)) {
    throw errors.invalidCallFilter({ problem: `there is no RPC ${shown(rpc)}` }, { field: "filter.rpc" });
  }
  if (code !== "" && code !== "ok" && codeFromString(code) === undefined) {
    const problem = `${shown(code)} is no code such as "ok" or "not_found"`;
    throw errors.invalidCallFilter({ problem }, { field: "filter.code" });
  }
  return (record) =>
    isMeant(record.method, rpc) &&
    (callerId === "" || canonical(callerId) === record.caller?.id) &&
    (code === "" || code === codeOf(record));
}

function codeOf({ error }: CallRecord): string {
  return error === undefined ? "ok" : codeToString(error.code);
}

interface Wait {
  readonly count: number;
  readonly timeoutMs: number;
  /** In whose time is waited. */
  readonly host: HostTime;
  readonly signal?: AbortSignal | undefined;
}

/** How long is waited for calls unless somebody says. */
export const defaultWaitMs = 5_000;

/** @throws deadline_exceeded where there were fewer in time; why the signal was aborted, if it was before that */
export async function waitForCalls(
  calls: CallLog,
  matches: (record: CallRecord) => boolean,
  { count, timeoutMs, host, signal }: Wait,
): Promise<CallRecord[]> {
  const late = new AbortController();
  const disarm = host.setTimer(Math.min(timeoutMs, maxTimerMs), () => {
    const seen = calls.matching(matches).length;
    late.abort(errors.tooFewCalls({ seen, count, timeout: `${timeoutMs} ms` }));
  });
  try {
    return await calls.waitFor(
      matches,
      count,
      signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
    );
  } finally {
    disarm();
  }
}
