/**
 * What a runner's own access token opens, in one table. Users may do everything.
 */
import type { DescMethod, DescMethodUnary, Message } from "@bufbuild/protobuf";
import { permissionDenied } from "../errors.ts";
import { IdentityService } from "../gen/gitpod/v1/identity_pb.ts";
import { RunnerService } from "../gen/gitpod/v1/runner_pb.ts";
import { canonical } from "../ids.ts";
import type { Caller } from "./caller.ts";

/** `freely`: whatever the request says, the RPC itself keeps to the runner. `of itself`: the request names it. */
type Permission = "freely" | "of itself";

const runnersMay: ReadonlyMap<DescMethod, Permission> = new Map<DescMethodUnary, Permission>([
  [RunnerService.method.createRunner, "freely"],
  [RunnerService.method.getRunner, "of itself"],
  [RunnerService.method.listRunners, "freely"],
  [RunnerService.method.updateRunner, "of itself"],
  [RunnerService.method.createRunnerToken, "of itself"],
  [RunnerService.method.createRunnerLogsToken, "of itself"],
  [RunnerService.method.parseContextURL, "freely"],
  [IdentityService.method.getIDToken, "freely"],
  [IdentityService.method.getAuthenticatedIdentity, "freely"],
  [IdentityService.method.exchangeToken, "freely"],
]);

/** RPCs that nobody needs a bearer for: whoever exchanges a token has none yet (GUESS). */
const anonymous: ReadonlySet<DescMethod> = new Set([IdentityService.method.exchangeToken]);

export function isAnonymous(method: DescMethod): boolean {
  return anonymous.has(method);
}

/** @throws permission_denied, also for ids that do not exist: a runner learns nothing about others */
export function authorize(caller: Caller, method: DescMethod, request: Message | undefined): void {
  if (caller.runnerId === undefined) return;
  const permission = runnersMay.get(method);
  if (permission === "freely") return;
  if (permission === "of itself" && namedIn(request) === caller.runnerId) return;
  throw permissionDenied();
}

function namedIn(request: Message | undefined): string | undefined {
  const { runnerId } = (request ?? {}) as { runnerId?: string };
  return runnerId === undefined ? undefined : canonical(runnerId);
}
