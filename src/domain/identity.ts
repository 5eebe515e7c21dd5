/**
 * Who a bearer token stands for. In `open` mode whoever shows no token of ours acts as the default user; in
 * `required` mode a call needs a configured token or one that the mock issued. A token that looks like one of
 * ours must be valid in both.
 */
import { create } from "@bufbuild/protobuf";
import { errors } from "../errors.ts";
import { Principal, type Subject, SubjectSchema } from "../gen/gitpod/v1/identity_pb.ts";
import { idOfName } from "../ids.ts";
import type { AuthMode } from "./auth-mode.ts";
import { type Caller, type Organization, runnerSubject } from "./caller.ts";
import { digest } from "./digest.ts";
import { isOurs, type ValidToken } from "./tokens.ts";

/** The organization of everybody who is not said to belong to another. */
export const defaultOrganizationId = idOfName("the organization");

/** Who calls without a bearer, or with one that is not known. */
export const defaultSubject: Subject = create(SubjectSchema, {
  id: idOfName("the default user"),
  principal: Principal.USER,
});

/** Whom a call claims to come from. */
export type Claim =
  | { readonly caller: Caller }
  /** A runner, or who reads its logs, if the token is valid; if not, the other caller, or nobody. */
  | { readonly issued: string; readonly otherwise: Caller | undefined };

/** A bearer token and whom it stands for. */
export interface KnownToken {
  readonly token: string;
  readonly caller: Caller;
}

export class Identity {
  readonly #mode: AuthMode;
  readonly #anybody: Caller;
  /** By the hash of the token, so that how long a lookup takes says nothing about a token. */
  readonly #known: ReadonlyMap<string, Caller>;
  readonly #organizations: ReadonlyMap<string, Organization>;

  /** @param organizations of all who may call; whoever shows no token belongs to the first */
  constructor(
    mode: AuthMode,
    knownTokens: readonly KnownToken[],
    organizations: readonly [Organization, ...Organization[]],
  ) {
    this.#mode = mode;
    this.#anybody = { subject: defaultSubject, organization: organizations[0] };
    this.#organizations = new Map(organizations.map((organization) => [organization.id, organization]));
    this.#known = new Map(knownTokens.map(({ token, caller }) => [digest(token), caller]));
  }

  /**
   * What the bearer of a call says, before a world is asked.
   *
   * @param authorization the header, if there is one
   * @param anonymous whether the RPC can be called by anybody
   * @throws unauthenticated where the bearer is missing or cannot be valid
   */
  claimOf(authorization: string | null, anonymous: boolean): Claim {
    const bearer = bearerOf(authorization);
    const caller = bearer === undefined ? undefined : this.#known.get(digest(bearer));
    if (caller !== undefined) return { caller };
    if (bearer !== undefined && isOurs(bearer)) {
      // Whoever comes for a new token may still bear an old one.
      return { issued: bearer, otherwise: anonymous ? this.#anybody : undefined };
    }
    if (this.#mode === "open" || anonymous) return { caller: this.#anybody };
    throw bearer === undefined ? errors.missingBearer() : errors.invalidBearer();
  }

  /** Who bears a token that the mock issued: the runner itself, or, with one for its logs, nobody in particular. */
  issuedTo({ kind, runnerId, organizationId }: ValidToken, token: string): Caller {
    const organization = this.#organizations.get(organizationId) ?? this.#anybody.organization;
    return kind === "logs"
      ? { logsOf: runnerId, subject: create(SubjectSchema), organization }
      : { runnerId, accessToken: token, subject: runnerSubject(runnerId), organization };
  }
}

/** The token of `Authorization: Bearer TOKEN`; suites send tokens with spaces in them. */
export function bearerOf(authorization: string | null): string | undefined {
  return /^bearer +(.*\S)\s*$/i.exec(authorization ?? "")?.[1];
}
