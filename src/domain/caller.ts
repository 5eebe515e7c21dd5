/** Who makes a call. */
import type { Subject } from "../gen/gitpod/v1/identity_pb.ts";

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
}
