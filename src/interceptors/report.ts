/** Logs how each call ended, and turns what is no ConnectError, a bug, into one that says so. */

import type { DescMethod } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ContextValues,
  type HandlerContext,
  type Interceptor,
} from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { rpcOf } from "../api.ts";
import { callerKey, worldKey } from "../call.ts";
import { errors } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Gate } from "./gate.ts";
import { withOutcome } from "./outcome.ts";

/** Reports the calls that get past the gate. */
export function createReport(log: Log): Interceptor {
  return (next) => (request) =>
    withOutcome(
      () => next(request),
      (error) => report(log, request.method, request.contextValues, error),
    );
}

/** The gate, reporting the calls that it refuses. */
export function withReport(gate: Gate, log: Log): Gate {
  return async (context: HandlerContext) => {
    try {
      return await gate(context);
    } catch (error) {
      throw report(log, context.method, context.values, error);
    }
  };
}

function report(
  log: Log,
  method: DescMethod,
  values: ContextValues,
  error: unknown,
): ConnectError | undefined {
  const call = {
    rpc: rpcOf(method),
    world: values.get(worldKey)?.name,
    subject: values.get(callerKey)?.subject.id,
  };
  if (error === undefined) {
    log.debug({ ...call, code: "ok" }, "answered");
    return undefined;
  }
  const failure = error instanceof ConnectError ? error : errors.internalError({ cause: error });
  const code = codeToString(failure.code);
  if (failure.code === Code.Internal) log.error({ ...call, code, err: failure.cause ?? failure }, "failed");
  else log.info({ ...call, code, reason: failure.rawMessage }, "refused");
  return failure;
}
