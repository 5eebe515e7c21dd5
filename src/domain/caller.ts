/** Who makes a call. */
import { create } from "@bufbuild/protobuf";
import { Principal, type Subject, SubjectSchema } from "../gen/gitpod/v1/identity_pb.ts";
import type { Runner } from "../gen/gitpod/v1/runner_pb.ts";

/** What callers belong to, as GetAuthenticatedIdentity names it. */
export interface Organization {
  readonly id: string;
  readonly tier: string;
}

export interface Caller {
  /** Id and kind of principal, as replies name it. */
  readonly subject: Subject;
  readonly organization: Organization;
  /** Set where the caller is a runner: its own id, which is also its subject's. */
  readonly runnerId?: string | undefined;
  /** Set with it: the token that the call bears. It is in no log. */
  readonly accessToken?: string | undefined;
  /** Set where the bearer is a logs token: it opens this runner's logs, and no RPC. */
  readonly logsOf?: string | undefined;
}

export function runnerSubject(runnerId: string): Subject {
  return create(SubjectSchema, { id: runnerId, principal: Principal.RUNNER });
}

/** Whether the caller may act for a managed runner: as its runner manager, or as the runner itself. */
export function manages({ subject, runnerId }: Caller, runner: Runner): boolean {
  if (runnerId !== undefined) return runnerId === runner.runnerId;
  return subject.principal === Principal.RUNNER_MANAGER && subject.id === runner.runnerManagerId;
}
