/**
 * What each kind of caller may call, in one table. Users, accounts, service accounts and runner managers may call
 * everything; what an RPC itself refuses them is its own business.
 */
import type { DescMethod, DescMethodStreaming, DescMethodUnary, Message } from "@bufbuild/protobuf";
import { errors } from "../errors.ts";
import { EventService, type WatchEventsRequest } from "../gen/gitpod/v1/event_pb.ts";
import { IdentityService, Principal } from "../gen/gitpod/v1/identity_pb.ts";
import { RunnerService } from "../gen/gitpod/v1/runner_pb.ts";
import { canonical } from "../ids.ts";
import type { Caller } from "./caller.ts";

/** Whether the caller may make this request. */
type Permission = (caller: Caller, request: Message) => boolean;
type Permissions = ReadonlyMap<DescMethod, Permission>;

/** Whatever the request says; the RPC itself keeps to what is the caller's. */
const freely: Permission = () => true;

const ofItself: Permission = ({ subject }, request) => runnerNamedIn(request) === subject.id;

const ofItselfOrNone: Permission = ({ subject }, request) =>
  [subject.id, ""].includes(runnerNamedIn(request));

const ofItsOwnScope: Permission = ({ subject }, request) => {
  const { scope } = request as WatchEventsRequest;
  return scope.case === "environmentId" && canonical(scope.value) === subject.id;
};

const identityRpcs: [DescMethod, Permission][] = IdentityService.methods.map((method) => [method, freely]);

const runnersMay: Permissions = new Map<DescMethod, Permission>([
  ...identityRpcs,
  ...tableOf([
    [RunnerService.method.createRunner, freely],
    [RunnerService.method.getRunner, ofItself],
    [RunnerService.method.listRunners, freely],
    [RunnerService.method.updateRunner, ofItself],
    [RunnerService.method.createRunnerToken, ofItself],
    [RunnerService.method.createRunnerLogsToken, ofItself],
    [RunnerService.method.parseContextURL, ofItselfOrNone],
    [EventService.method.watchEvents, freely],
  ]),
]);

/** GUESS: what an environment needs to find out where it is and to hear of itself. */
const environmentsMay: Permissions = new Map<DescMethod, Permission>([
  ...identityRpcs,
  ...tableOf([
    [RunnerService.method.parseContextURL, freely],
    [EventService.method.watchEvents, ofItsOwnScope],
  ]),
]);

/** RPCs that nobody needs a bearer for: whoever exchanges a token has none yet (GUESS). */
const anonymous: ReadonlySet<DescMethod> = new Set([IdentityService.method.exchangeToken]);

export function isAnonymous(method: DescMethod): boolean {
  return anonymous.has(method);
}

/** @throws permission_denied, also for ids that do not exist: a caller learns nothing about what is not its own */
export function authorize(caller: Caller, method: DescMethod, request: Message): void {
  const permissions = permissionsOf(caller);
  if (permissions === undefined || isAnonymous(method)) return;
  if (!permissions.get(method)?.(caller, request)) throw errors.permissionDenied();
}

/** Undefined: everything. */
function permissionsOf({ runnerId, logsOf, subject }: Caller): Permissions | undefined {
  if (runnerId !== undefined) return runnersMay;
  if (logsOf !== undefined) return new Map();
  return subject.principal === Principal.ENVIRONMENT ? environmentsMay : undefined;
}

function tableOf(rows: [DescMethodUnary | DescMethodStreaming, Permission][]): [DescMethod, Permission][] {
  return rows;
}

function runnerNamedIn(request: Message): string {
  const { runnerId = "" } = request as { runnerId?: string };
  return canonical(runnerId);
}
