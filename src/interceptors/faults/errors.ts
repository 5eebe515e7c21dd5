/** The errors that faults have calls fail with. */
import { toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";
import type { Code, ConnectError } from "@connectrpc/connect";
import { codeFromString } from "@connectrpc/connect/protocol-connect";
import type { Meeting } from "../../domain/faults.ts";
import { errors } from "../../errors.ts";
import type { FaultError } from "../../gen/runnermock/v1/control_pb.ts";

/** @param code where the error names none */
export type Fail = (error: Partial<FaultError>, code?: Code) => ConnectError;

/** Makes the errors of what a call has met: they say whose doing it is. */
export function failing({ faultId, adversity }: Meeting): Fail {
  const make = adversity === undefined ? errors.injectedFault : errors.adversity;
  return ({ code: name = "", message, details = [], retryDelay, headers = {} }, code) => {
    const all = details.map(({ type, value }) => ({ type, value }));
    if (retryDelay !== undefined) all.push(retryInfo(retryDelay));
    return make(
      { message: message || `injected by ${faultId}` },
      { code: codeFromString(name) ?? code, details: all, headers },
    );
  };
}

/** A google.rpc.RetryInfo, whose field 1 is the delay. */
function retryInfo(delay: Duration) {
  const value = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(toBinary(DurationSchema, delay));
  return { type: "google.rpc.RetryInfo", value: value.finish() };
}
