/** Holds requests against the rules of the schema, where the world is strict. */
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { createValidator, violationsToProto } from "@bufbuild/protovalidate";
import type { Interceptor } from "@connectrpc/connect";
import { worldOf } from "../call.ts";
import { violated } from "../errors.ts";
import { isImplemented } from "../services/index.ts";

/** Shared by all servers of a process: they keep nothing but the rules that they have compiled. */
const quickValidator = createValidator({ failFast: true });
const fullValidator = createValidator();

/** How many violations are told in detail: gRPC sends them in a header, which has to be small. */
const maxViolations = 100;

/** A list beyond any rule. What is wrong with each of its items would fill the memory. */
const hugeList = 1_000;

export const validateRequest: Interceptor = (next) => async (request) => {
  const strict = worldOf(request.contextValues).switches.validation === "strict";
  if (!strict || !isImplemented(request.method)) return next(request);
  if (!request.stream) {
    validate(request.method.input, request.message);
    return next(request);
  }
  return next({ ...request, message: validated(request.method.input, request.message) });
};

async function* validated<T extends Message>(desc: DescMessage, messages: AsyncIterable<T>) {
  for await (const message of messages) {
    validate(desc, message);
    yield message;
  }
}

function validate(desc: DescMessage, message: Message): void {
  let result = quickValidator.validate(desc, message);
  if (result.kind === "valid") return;
  if (!hasHugeList(message)) result = fullValidator.validate(desc, message);
  const violations = result.violations?.slice(0, maxViolations) ?? [];
  throw violated(result.error?.message ?? "", violationsToProto(violations));
}

function hasHugeList(value: unknown): boolean {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false;
  if (Array.isArray(value) && value.length > hugeList) return true;
  return Object.values(value).some(hasHugeList);
}
