/** Holds requests against the rules of the schema. */
import type { DescMessage, DescMethod, Message } from "@bufbuild/protobuf";
import { worldOf } from "../call.ts";
import { errors } from "../errors.ts";
import { RunnerConfigurationService } from "../gen/gitpod/v1/runner_configuration_pb.ts";
import { pathOfViolation, pathText } from "../json-problems.ts";
import { type Validators, validators } from "../validators.ts";
import { checkEachMessage } from "./each-message.ts";

/** How many violations are told in detail: gRPC sends them in a header, which has to be small. */
const maxViolations = 100;

/** A list beyond any rule. What is wrong with each of its items would fill the memory. */
const hugeList = 1_000;

/** DOC: the schema switches its rules off for it. What is wrong with the request is what it answers. */
const exempt: DescMethod = RunnerConfigurationService.method.validateRunnerConfiguration;

/** Where the world is strict. */
export const validateRequest = checkEachMessage((message, method, values) => {
  const isHeld = worldOf(values).switches.validation === "strict" && method !== exempt;
  return isHeld ? validate(method.input, message) : undefined;
});

export const validateAlways = checkEachMessage((message, method) => validate(method.input, message));

function validate(desc: DescMessage, message: Message): void | Promise<void> {
  const known = validators();
  if (known instanceof Promise) return known.then((loaded) => holdAgainst(loaded, desc, message));
  return holdAgainst(known, desc, message);
}

function holdAgainst({ quick, full, violationsToProto }: Validators, desc: DescMessage, message: Message) {
  let result = quick.validate(desc, message);
  if (result.kind === "valid") return;
  if (!hasHugeList(message)) result = full.validate(desc, message);
  const violations = result.violations?.slice(0, maxViolations) ?? [];
  const [first] = violations;
  const [value, violationsDesc] = violationsToProto(violations);
  throw errors.violated(
    { summary: result.error?.message ?? "" },
    {
      details: [{ desc: violationsDesc, value }],
      rule: first?.ruleId,
      field: first && pathText(pathOfViolation(first)),
    },
  );
}

function hasHugeList(value: unknown): boolean {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false;
  if (Array.isArray(value) && value.length > hugeList) return true;
  return Object.values(value).some(hasHugeList);
}
