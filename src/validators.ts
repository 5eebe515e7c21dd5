/**
 * What holds messages against the rules of their schema. Shared by all servers of a process: it keeps nothing but the
 * rules that it has compiled.
 */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { Validator, Violation, violationsToProto } from "@bufbuild/protovalidate";

export interface Validators {
  /** Stops at the first violation. */
  readonly quick: Validator;
  /** Finds them all. */
  readonly full: Validator;
  readonly violationsToProto: typeof violationsToProto;
}

let known: Validators | Promise<Validators> | undefined;

/** Loaded with the first message that is held against rules: that takes a fifth of a start. */
export function validators(): Validators | Promise<Validators> {
  known ??= load();
  return known;
}

/** Every rule that a message violates. */
export async function violationsOf<Desc extends DescMessage>(
  desc: Desc,
  message: MessageShape<Desc>,
): Promise<Violation[]> {
  const { full } = await validators();
  return full.validate(desc, message).violations ?? [];
}

async function load(): Promise<Validators> {
  const { createValidator, violationsToProto } = await import("@bufbuild/protovalidate");
  const loaded = {
    quick: createValidator({ failFast: true }),
    full: createValidator(),
    violationsToProto,
  };
  known = loaded;
  return loaded;
}
