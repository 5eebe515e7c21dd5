/** Secrets that only a runner can read: libsodium's sealed box for its X25519 key, as the reference has it (DOC). */

/** The text, encrypted for whoever has the private key. Loads libsodium when it is first needed. */
export async function sealedFor(publicKey: Uint8Array, text: string): Promise<Uint8Array> {
  const { default: sodium } = await import("libsodium-wrappers");
  await sodium.ready;
  return sodium.crypto_box_seal(text, publicKey);
}
