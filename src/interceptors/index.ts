/** What every call passes through, from the outside in. Only here is the order decided. */
import type { Interceptor } from "@connectrpc/connect";
import type { HostTime } from "../clock.ts";
import type { Identity } from "../domain/identity.ts";
import type { Log } from "../log.ts";
import type { Worlds } from "../worlds.ts";
import { authorizeCall } from "./authorize.ts";
import { tellBegun } from "./begun.ts";
import { decodeRequest } from "./decode.ts";
import { createGate, type Gate } from "./gate.ts";
import { createInjectFaults } from "./inject-faults.ts";
import { takePageFromQuery } from "./page-from-query.ts";
import { createRecord, noteRequest, type Observe, withRecord } from "./record.ts";
import { createReport, withReport } from "./report.ts";
import { validateAlways, validateRequest } from "./validate.ts";

export interface Chain {
  /** Before the body is read. */
  readonly gate: Gate;
  /** From then on. */
  readonly interceptors: Interceptor[];
  /** For the services that every server has, behind no gate. */
  readonly standardInterceptors: Interceptor[];
}

const standard = (log: Log) => [createReport(log), tellBegun, decodeRequest];

/** The control service's: it has no worlds of its own, and is strict in all profiles. */
export function createControlChain(gate: Gate, log: Log): Chain {
  return {
    gate: withReport(gate, log),
    interceptors: [createReport(log), tellBegun, decodeRequest, takePageFromQuery, validateAlways],
    standardInterceptors: standard(log),
  };
}

/** What the API's calls pass through hangs on. */
export interface ApiSurroundings {
  readonly worlds: Worlds;
  readonly identity: Identity;
  /** For how long calls take. */
  readonly host: HostTime;
  readonly log: Log;
  /** Hears of each call that has ended. */
  readonly observe?: Observe | undefined;
}

/** The API's. */
export function createChain({ worlds, identity, host, log, observe }: ApiSurroundings): Chain {
  return {
    gate: withRecord(withReport(createGate(worlds, identity), log), host, observe),
    interceptors: [
      createRecord(host, observe),
      createReport(log),
      tellBegun,
      decodeRequest,
      takePageFromQuery,
      noteRequest,
      createInjectFaults(host),
      authorizeCall,
      validateRequest,
    ],
    standardInterceptors: standard(log),
  };
}
