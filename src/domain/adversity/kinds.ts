/** What each kind of adversity meets, and with which fault; docs/adversity.md says why the API allows it. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { EventService } from "../../gen/gitpod/v1/event_pb.ts";
import { IdentityService } from "../../gen/gitpod/v1/identity_pb.ts";
import { PaginationRequestSchema } from "../../gen/gitpod/v1/pagination_pb.ts";
import { RunnerService } from "../../gen/gitpod/v1/runner_pb.ts";
import type { FaultSchema } from "../../gen/runnermock/v1/control_pb.ts";
import { type Draw, wholeFrom } from "../chance.ts";
import type { FaultTarget } from "../faults.ts";
import { hasOpenEnum } from "../open-enums.ts";
import type { AdversityKind } from "./kind.ts";

/** A call, and what went before it. */
export interface Circumstances {
  readonly target: FaultTarget;
  /** Whether none of its RPC has been answered to its caller before. */
  readonly isFirst: boolean;
  /** UUIDs of what its caller has created since it last read something. */
  readonly fresh: readonly string[];
}

interface KindRow {
  /**
   * What a client has to do about it: nothing; ask again, since the answer does not say all; or call again, since
   * nothing was done. What is not nothing never meets two calls in a row.
   */
  readonly asks: "nothing" | "another look" | "another try";
  meets(circumstances: Circumstances): boolean;
  effect(
    draw: Draw,
    circumstances: Circumstances,
  ): NonNullable<MessageInitShape<typeof FaultSchema>["effect"]>;
}

const { exchangeToken } = IdentityService.method;
const { watchEvents } = EventService.method;
/** DOC: its page tokens are numbers of pages, which lead astray once pages are of another size. */
const { searchRepositories } = RunnerService.method;

const isUnary = ({ target: { method } }: Circumstances) => method.methodKind === "unary";
const isStream = (circumstances: Circumstances) => !isUnary(circumstances);
const isWatch = ({ target: { method } }: Circumstances) => method === watchEvents;
const isJson = ({ target: { json } }: Circumstances) => json;
/** Protobuf has whoever reads its binary form pass over what is unknown; in JSON it is the clients of Connect that do. */
const passesOverUnknown = ({ target: { json, protocol } }: Circumstances) =>
  !json || protocol === "connect" || protocol === "jsonl";

export const isRead = ({ method }: FaultTarget) =>
  method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;

export const kindTable: Readonly<Record<AdversityKind, KindRow>> = {
  "rate-limits": {
    asks: "another try",
    meets: () => true,
    effect(draw) {
      const ms = wholeFrom(draw, 5, 50);
      const message = `rate limit exceeded: try again in ${ms} ms`;
      return {
        case: "error",
        value: {
          code: "resource_exhausted",
          message,
          retryDelay: durationFromMs(ms),
          headers: retryAfter(ms),
        },
      };
    },
  },
  "refused-renewals": {
    asks: "another try",
    meets: ({ target: { byRunner, method } }) => byRunner || method === exchangeToken,
    effect(draw) {
      const message = "the registration cannot be renewed at this moment: try again";
      const headers = retryAfter(wholeFrom(draw, 5, 50));
      return { case: "error", value: { code: "unavailable", message, headers } };
    },
  },
  redirects: {
    asks: "another try",
    meets: ({ target: { self } }) => self !== undefined,
    effect: (_, { target: { self = "" } }) => ({ case: "redirect", value: { location: self } }),
  },
  "missed-reads": {
    asks: "another look",
    meets: ({ target, fresh }) => isRead(target) && fresh.length > 0,
    effect: (_, { fresh }) => ({ case: "miss", value: { ids: [...fresh] } }),
  },
  "short-pages": {
    asks: "nothing",
    meets: ({ target: { method } }) =>
      method.input.field.pagination?.message === PaginationRequestSchema && method !== searchRepositories,
    effect: (draw) => ({ case: "pageCap", value: { size: wholeFrom(draw, 1, 4) } }),
  },
  "cut-streams": {
    asks: "another look",
    meets: isStream,
    effect(draw) {
      const error = { code: "unavailable", message: "the stream was cut off: watch again" };
      return { case: "cutStream", value: { after: wholeFrom(draw, 1, 3), error } };
    },
  },
  "slow-streams": {
    asks: "nothing",
    meets: isStream,
    effect: (draw) => ({ case: "slowStream", value: { gap: durationFromMs(wholeFrom(draw, 5, 25)) } }),
  },
  "late-events": {
    asks: "nothing",
    meets: isWatch,
    effect: (draw) => ({
      case: "slowStream",
      value: { gap: durationFromMs(wholeFrom(draw, 100, 300)), every: wholeFrom(draw, 2, 3) },
    }),
  },
  "repeated-events": {
    asks: "nothing",
    meets: (circumstances) => isWatch(circumstances) && !circumstances.isFirst,
    effect: (draw) => ({ case: "repeatEvents", value: { last: wholeFrom(draw, 1, 3) } }),
  },
  "json-defaults": {
    asks: "nothing",
    meets: isJson,
    effect: () => ({ case: "varyJson", value: { defaults: true } }),
  },
  "unknown-enum-values": {
    asks: "another look",
    meets: (circumstances) =>
      passesOverUnknown(circumstances) && hasOpenEnum(circumstances.target.method.output),
    effect: () => ({ case: "newerSchema", value: { enumValues: true } }),
  },
  "unknown-fields": {
    asks: "nothing",
    meets: passesOverUnknown,
    effect: () => ({ case: "newerSchema", value: { fields: true } }),
  },
  "json-layout": {
    asks: "nothing",
    meets: isJson,
    effect: (draw) => ({
      case: "varyJson",
      value: { layout: true, seed: wholeFrom(draw, 0, 2 ** 32 - 1) },
    }),
  },
};

/** As the generated SDKs read it. */
function retryAfter(ms: number) {
  return { "retry-after-ms": String(ms) };
}
