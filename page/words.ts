/** Values as people read them. */
import { type Duration, type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { Principal, type Subject } from "../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerProvider } from "../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerPhase } from "../src/gen/gitpod/v1/runner_pb.ts";
import type { Call, RegisteredRunner } from "../src/gen/runnermock/v1/control_pb.ts";

/** Such as `29.4 s`, `23 h 59 min`. */
export function span(ms: number): string {
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 1_000) return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1_000)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export const spanOf = (duration: Duration | undefined) =>
  duration === undefined ? "under way" : span(Number(duration.seconds) * 1_000 + duration.nanos / 1e6);

/** Such as `2026-01-02 03:04:05`, in UTC. */
export const moment = (ms: number) => new Date(ms).toISOString().slice(0, 19).replace("T", " ");

/** Such as `03:04:05.678`. */
export const timeOfDay = (at: Timestamp | undefined) =>
  at === undefined ? "" : new Date(timestampMs(at)).toISOString().slice(11, 23);

export function phaseOf({ runner, lapsed }: RegisteredRunner): string {
  return lapsed ? "LAPSED" : (RunnerPhase[runner?.status?.phase ?? 0] ?? "");
}

export const providerOf = ({ runner }: RegisteredRunner) => RunnerProvider[runner?.provider ?? 0] ?? "";

export const regionOf = ({ runner }: RegisteredRunner) =>
  runner?.status?.region || runner?.spec?.configuration?.region || "";

/** Such as `1 exchange, 2 access`. */
export function tokensOf({ exchangeTokens, accessTokens, logsTokens }: RegisteredRunner): string {
  const counts = { exchange: exchangeTokens, access: accessTokens, logs: logsTokens };
  const said = Object.entries(counts).flatMap(([kind, count]) => (count > 0 ? [`${count} ${kind}`] : []));
  return said.join(", ") || "none";
}

export const tokenCountOf = ({ exchangeTokens, accessTokens, logsTokens }: RegisteredRunner) =>
  exchangeTokens + accessTokens + logsTokens;

/** Such as `USER 0185`: the ends of ids tell them apart. */
export function callerOf(caller: Subject | undefined): string {
  return caller === undefined ? "nobody" : `${Principal[caller.principal]} ${caller.id.slice(-4)}`;
}

/** Such as `CreateRunner`. */
export const methodOf = ({ rpc }: Call) => rpc.slice(rpc.indexOf("/") + 1);

export const codeOf = ({ error }: Call) => error?.code ?? "ok";

export const protocolOf = ({ protocol, httpVersion }: Call) =>
  httpVersion === "" ? protocol : `${protocol}, HTTP/${httpVersion}`;
