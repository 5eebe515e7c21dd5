/** Refuses what the caller may not do. */
import type { Interceptor } from "@connectrpc/connect";
import { callOf } from "../call.ts";
import { authorize } from "../domain/permissions.ts";

export const authorizeCall: Interceptor = (next) => async (request) => {
  const { caller } = callOf({ values: request.contextValues });
  authorize(caller, request.method, request.stream ? undefined : request.message);
  return next(request);
};
