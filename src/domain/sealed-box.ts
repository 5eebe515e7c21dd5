/** Secrets that only a runner can read: libsodium's sealed box for its X25519 key, as the reference has it (DOC). */
import { errors } from "../errors.ts";
import type { Runner } from "../gen/gitpod/v1/runner_pb.ts";

/**
 * The secret, encrypted for the runner; an empty one stays empty. Loads libsodium when it is first needed.
 *
 * @param field the path of the request's field that has the secret
 * @throws failed_precondition where the runner has no public key
 */
export async function sealedFor(runner: Runner, secret: string, field: string): Promise<Uint8Array> {
  if (secret === "") return new Uint8Array();
  const publicKey = publicKeyOf(runner, field);
  const { default: sodium } = await import("libsodium-wrappers");
  await sodium.ready;
  return sodium.crypto_box_seal(secret, publicKey);
}

/** @throws failed_precondition where there is none */
export function publicKeyOf({ status }: Runner, field: string): Uint8Array {
  if (!status?.publicKey.length) throw errors.noPublicKey({ field });
  return status.publicKey;
}
