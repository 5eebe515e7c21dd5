/**
 * What holds messages against the rules of their schema. Shared by all servers of a process: they keep nothing but the
 * rules that they have compiled.
 */
import { createValidator } from "@bufbuild/protovalidate";

/** Stops at the first violation. */
export const quickValidator = createValidator({ failFast: true });

/** Finds them all. */
export const fullValidator = createValidator();
