/**
 * Who a bearer token stands for. In `open` mode whoever shows no token of ours acts as the default user; in
 * `required` mode a call needs a configured token or one that the mock issued. A token that looks like one of
 * ours must be valid in both.
 */
import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { invalidBearer, missingBearer } from "../errors.ts";
import { Principal, type Subject, SubjectSchema } from "../gen/gitpod/v1/identity_pb.ts";
import { idOfName } from "../ids.ts";
import type { AuthMode } from "./auth-mode.ts";
import type { Caller, Organization } from "./caller.ts";
import { isOurs } from "./tokens.ts";

/** The organization that everybody belongs to. */
export const organizationId = idOfName("the organization");

/** Who calls without a bearer, or with one that is not known. */
export const defaultSubject: Subject = userSubject("the default user");

/** Finds the runner of an access token; undefined where the token is not valid. */
export type AuthenticateRunner = (accessToken: string) => Promise<string | undefined>;

export class Identity {
  readonly #mode: AuthMode;
  readonly #organization: Organization;
  /** By the hash of the token, so that how long a lookup takes says nothing about a token. */
  readonly #users: ReadonlyMap<string, Caller>;

  /** @param userTokens the token of each configured user, by the user's name */
  constructor(mode: AuthMode, userTokens: ReadonlyMap<string, string>, organizationTier: string) {
    const organization = { id: organizationId, tier: organizationTier };
    this.#mode = mode;
    this.#organization = organization;
    this.#users = new Map(
      [...userTokens].map(([name, token]) => [
        hash(token),
        { subject: userSubject(`user ${name}`), organization },
      ]),
    );
  }

  /**
   * The caller of an RPC.
   *
   * @param authorization the header, if there is one
   * @param anonymous whether the RPC can be called by anybody
   * @throws unauthenticated where the bearer is missing or not valid
   */
  async callerOf(
    authorization: string | null,
    anonymous: boolean,
    authenticateRunner: AuthenticateRunner,
  ): Promise<Caller> {
    const bearer = bearerOf(authorization);
    if (bearer !== undefined) {
      const user = this.#users.size > 0 ? this.#users.get(hash(bearer)) : undefined;
      if (user !== undefined) return user;
      if (isOurs(bearer)) {
        const runnerId = await authenticateRunner(bearer);
        if (runnerId !== undefined) return this.#runner(runnerId);
        // Whoever comes for a new token may still bear an old one.
        if (!anonymous) throw invalidBearer();
      }
    }
    if (this.#mode === "open" || anonymous) {
      return { subject: defaultSubject, organization: this.#organization };
    }
    throw bearer === undefined ? missingBearer() : invalidBearer();
  }

  #runner(runnerId: string): Caller {
    const subject = create(SubjectSchema, { id: runnerId, principal: Principal.RUNNER });
    return { runnerId, subject, organization: this.#organization };
  }
}

function userSubject(who: string): Subject {
  return create(SubjectSchema, { id: idOfName(who), principal: Principal.USER });
}

/** The token of `Authorization: Bearer TOKEN`; suites send tokens with spaces in them. */
function bearerOf(authorization: string | null): string | undefined {
  return /^bearer +(.*\S)\s*$/i.exec(authorization ?? "")?.[1];
}

function hash(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}
