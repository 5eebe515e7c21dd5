/** Holds requests against the rules of the schema, where the world is strict. */
import type { Interceptor } from "@connectrpc/connect";
import { createValidateInterceptor } from "@connectrpc/validate";
import { worldOf } from "../call.ts";
import { isImplemented } from "../services/index.ts";

export function createValidate(): Interceptor {
  const validate = createValidateInterceptor();
  return (next) => {
    const validated = validate(next);
    return async (request) => {
      const strict = worldOf(request.contextValues).switches.validation === "strict";
      return strict && isImplemented(request.method) ? validated(request) : next(request);
    };
  };
}
