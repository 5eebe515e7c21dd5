/** Logs how each call ended, and turns what is no ConnectError, a bug, into one that says so. */
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { callerKey, worldKey } from "../call.ts";
import { internalError } from "../errors.ts";
import type { Log } from "../log.ts";
import { withOutcome } from "./outcome.ts";

export function createReport(log: Log): Interceptor {
  return (next) => (request) =>
    withOutcome(
      () => next(request),
      (error) => {
        const failure = error === undefined || error instanceof ConnectError ? error : internalError(error);
        const call = {
          rpc: `${request.service.typeName}/${request.method.name}`,
          world: request.contextValues.get(worldKey)?.name,
          caller: request.contextValues.get(callerKey)?.subject.id,
        };
        if (failure === undefined) log.debug({ ...call, code: "ok" }, "answered");
        else {
          const code = codeToString(failure.code);
          if (failure.code === Code.Internal)
            log.error({ ...call, code, err: failure.cause ?? failure }, "failed");
          else log.info({ ...call, code, reason: failure.rawMessage }, "refused");
        }
        return failure;
      },
    );
}
