/**
 * Who a bearer token stands for. In `open` mode whoever shows no token of ours acts as the default user; in
 * `required` mode a call needs a configured token or one that the mock issued. A token that looks like one of
 * ours must be valid in both.
 */
import { create } from "@bufbuild/protobuf";
import { invalidBearer, missingBearer } from "../errors.ts";
import { Principal, type Subject, SubjectSchema } from "../gen/gitpod/v1/identity_pb.ts";
import { idOfName } from "../ids.ts";
import type { AuthMode } from "./auth-mode.ts";
import type { Caller, Organization } from "./caller.ts";
import { digest } from "./digest.ts";
import { isOurs } from "./tokens.ts";

/** The organization that everybody belongs to. */
export const organizationId = idOfName("the organization");

/** Who calls without a bearer, or with one that is not known. */
export const defaultSubject: Subject = userSubject("the default user");

/** Whom a call claims to come from. */
export type Claim =
  | { readonly caller: Caller }
  /** A runner, if its token is valid; if not, the other caller, or nobody. */
  | { readonly accessToken: string; readonly otherwise: Caller | undefined };

export class Identity {
  readonly #mode: AuthMode;
  readonly #organization: Organization;
  readonly #anybody: Caller;
  /** By the hash of the token, so that how long a lookup takes says nothing about a token. */
  readonly #users: ReadonlyMap<string, Caller>;

  /** @param userTokens the token of each configured user, by the user's name */
  constructor(mode: AuthMode, userTokens: ReadonlyMap<string, string>, organizationTier: string) {
    const organization = { id: organizationId, tier: organizationTier };
    this.#mode = mode;
    this.#organization = organization;
    this.#anybody = { subject: defaultSubject, organization };
    this.#users = new Map(
      [...userTokens].map(([name, token]) => [
        digest(token),
        { subject: userSubject(`user ${name}`), organization },
      ]),
    );
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
    const user = bearer === undefined ? undefined : this.#users.get(digest(bearer));
    if (user !== undefined) return { caller: user };
    if (bearer !== undefined && isOurs(bearer)) {
      // Whoever comes for a new token may still bear an old one.
      return { accessToken: bearer, otherwise: anonymous ? this.#anybody : undefined };
    }
    if (this.#mode === "open" || anonymous) return { caller: this.#anybody };
    throw bearer === undefined ? missingBearer() : invalidBearer();
  }

  /** The runner that bears its access token. */
  runner(runnerId: string, accessToken: string): Caller {
    const subject = create(SubjectSchema, { id: runnerId, principal: Principal.RUNNER });
    return { runnerId, accessToken, subject, organization: this.#organization };
  }
}

function userSubject(who: string): Subject {
  return create(SubjectSchema, { id: idOfName(who), principal: Principal.USER });
}

/** The token of `Authorization: Bearer TOKEN`; suites send tokens with spaces in them. */
function bearerOf(authorization: string | null): string | undefined {
  return /^bearer +(.*\S)\s*$/i.exec(authorization ?? "")?.[1];
}
