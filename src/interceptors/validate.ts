/** Holds requests against the rules of the schema, where the world is strict. */
import type { Interceptor } from "@connectrpc/connect";
import { createValidateInterceptor } from "@connectrpc/validate";
import { worldOf } from "../call.ts";
import { isImplemented } from "../services/index.ts";

/** Shared by all servers of a process: it keeps nothing but the rules that it has compiled. */
const validate = createValidateInterceptor();

export const validateRequest: Interceptor = (next) => {
  const validated = validate(next);
  return async (request) => {
    const strict = worldOf(request.contextValues).switches.validation === "strict";
    return strict && isImplemented(request.method) ? validated(request) : next(request);
  };
};
