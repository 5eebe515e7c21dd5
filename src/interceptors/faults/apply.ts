/** What the faults that a call has met do to it, one around the other. */
import { create } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, type ContextValues, type UnaryRequest, type UnaryResponse } from "@connectrpc/connect";
import { responseOf, worldOf } from "../../call.ts";
import type { HostTime } from "../../clock.ts";
import type { Meeting } from "../../domain/faults.ts";
import type { Fault } from "../../gen/runnermock/v1/control_pb.ts";
import { connectionKey } from "../connection.ts";
import type { Next } from "../inject-faults.ts";
import { passed } from "./delay.ts";
import { type Fail, failing } from "./errors.ts";
import { rewriteJson } from "./json.ts";
import { askedLess, spoiledReply } from "./replies.ts";
import { spoiledStream } from "./streams.ts";

/** What answers a call that has met these faults: the first is the outermost. */
export function applied(meeting: Meeting, next: Next, host: HostTime): Next {
  const fail = failing(meeting);
  return meeting.faults.reduceRight((inner, fault) => withFault(fault, inner, fail, host), next);
}

function withFault({ delay, effect }: Fault, next: Next, fail: Fail, host: HostTime): Next {
  return async (request) => {
    const { contextValues: values } = request;
    if (delay !== undefined) await passed(durationMs(delay), host, request);
    refuseBy(effect, values, fail);
    rewriteJson(effect, request);
    if (request.stream) return spoiledStream(effect, request, next, { fail, host });
    if (effect.case === "emptyReply") return emptyReply(request, values);
    const response = (await next(askedLess(request, effect))) as UnaryResponse;
    return { ...response, message: await spoiledReply(response.message, effect, request, worldOf(values)) };
  };
}

/** @throws what the fault fails the call with, if it does */
function refuseBy(effect: Fault["effect"], values: ContextValues, fail: Fail): void {
  const connection = values.get(connectionKey);
  if (effect.case === "error") throw fail(effect.value);
  if (effect.case === "reset") {
    connection?.breakOff();
    throw fail({ message: "the connection was broken off" }, Code.Aborted);
  }
  if (effect.case === "redirect") {
    const { location } = effect.value;
    if (connection) connection.redirectedTo = location;
    throw fail({ message: `sent to ${location}` });
  }
}

function emptyReply({ method, service }: UnaryRequest, values: ContextValues): UnaryResponse {
  const message = create(method.output);
  const { responseHeader: header, responseTrailer: trailer } = responseOf(values);
  return { stream: false, service, method, header, trailer, message };
}
