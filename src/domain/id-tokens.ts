/**
 * ID tokens: JWTs about the caller that third parties verify with the world's published key. The key is made, and
 * the library loaded, when they are first needed.
 */
import type { CryptoKey, JSONWebKeySet, JWK } from "jose";
import type { Clock } from "../clock.ts";
import { IDTokenVersion, Principal } from "../gen/gitpod/v1/identity_pb.ts";
import type { Ids } from "../ids.ts";
import type { Collection, Store } from "../store/store.ts";
import type { Caller } from "./caller.ts";

const algorithm = "RS256";

/** DOC: the reference's tokens live an hour. */
const lifetimeSeconds = 3_600;

const keyDocument = "key";

/** DOC for users, runners and environments; GUESS for the others. */
const subjectWords: { readonly [P in Principal]?: string } = {
  [Principal.ACCOUNT]: "acc",
  [Principal.USER]: "user",
  [Principal.RUNNER]: "rnr",
  [Principal.ENVIRONMENT]: "env",
  [Principal.SERVICE_ACCOUNT]: "svc",
  [Principal.RUNNER_MANAGER]: "rnm",
};

interface SigningKey {
  readonly privateKey: CryptoKey;
  readonly jwks: JSONWebKeySet;
  readonly keyId: string;
}

export class IdTokens {
  readonly #clock: Clock;
  readonly #ids: Ids;
  /** As a private JWK. */
  readonly #kept: Collection<JWK>;
  #key: Promise<SigningKey> | undefined;

  constructor(clock: Clock, ids: Ids, store: Store) {
    this.#clock = clock;
    this.#ids = ids;
    this.#kept = store.collection("signing-keys", { listed: false });
  }

  /** @param issuer the URL below which the discovery document is found */
  async issue(
    issuer: string,
    { subject, organization }: Caller,
    audience: readonly string[],
    version: IDTokenVersion,
  ): Promise<string> {
    const { SignJWT } = await import("jose");
    const { privateKey, keyId } = await this.#signingKey();
    const issuedAt = Math.floor(this.#clock.nowMs() / 1_000);
    const word = subjectWords[subject.principal] ?? "sub";
    // OPEN what V2 adds; what it is about, so that nobody has to take the subject apart, is a guess.
    const claims =
      version === IDTokenVersion.ID_TOKEN_VERSION_V2
        ? {
            organization_id: organization.id,
            principal: (Principal[subject.principal] ?? "").toLowerCase(),
            principal_id: subject.id,
          }
        : {};
    return new SignJWT(claims)
      .setProtectedHeader({ alg: algorithm, kid: keyId, typ: "JWT" })
      .setIssuer(issuer)
      .setSubject(`org:${organization.id}/${word}:${subject.id}`)
      .setAudience([...audience])
      .setIssuedAt(issuedAt)
      .setNotBefore(issuedAt)
      .setExpirationTime(issuedAt + lifetimeSeconds)
      .setJti(this.#ids())
      .sign(privateKey);
  }

  /** The public key, as a JWKS document. */
  async jwks(): Promise<JSONWebKeySet> {
    return (await this.#signingKey()).jwks;
  }

  #signingKey(): Promise<SigningKey> {
    this.#key ??= this.#keptKey().catch((error) => {
      this.#key = undefined;
      throw error;
    });
    return this.#key;
  }

  /** The key of the world: of many who make one at once, the first one's. */
  async #keptKey(): Promise<SigningKey> {
    const { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } = await import("jose");
    let kept = await this.#kept.get(keyDocument);
    while (kept === undefined) {
      const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
      await this.#kept.put({ id: keyDocument, value: await exportJWK(privateKey) }, { if: "absent" });
      kept = await this.#kept.get(keyDocument);
    }
    const { kty, n, e } = kept.value;
    const jwk = { kty, n, e } as JWK;
    const keyId = await calculateJwkThumbprint(jwk);
    const privateKey = (await importJWK(kept.value, algorithm)) as CryptoKey;
    return { privateKey, keyId, jwks: { keys: [{ ...jwk, kid: keyId, alg: algorithm, use: "sig" }] } };
  }
}

/** What a verifier has to know of an issuer: its OpenID Connect discovery document. */
export function discoveryDocument(issuer: string) {
  return {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [algorithm],
    scopes_supported: ["openid"],
    claims_supported: ["iss", "sub", "aud", "exp", "iat", "nbf", "jti"],
  };
}
