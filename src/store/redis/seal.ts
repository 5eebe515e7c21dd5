/** Encryption of what is written into a store outside of this process: only who has the store's key can read it. */
import { createCipheriv, createDecipheriv, scryptSync } from "node:crypto";
import type { Random } from "../../random.ts";

const algorithm = "aes-256-gcm";
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

export class Seal {
  readonly #key: Buffer;
  readonly #random: Random;

  /** @param key the text that all replicas of a store have in common */
  constructor(key: string, random: Random) {
    this.#key = scryptSync(key, "gitpod-runner-mock store", keyBytes);
    this.#random = random;
  }

  /** @param place where it will be kept: a text that is moved elsewhere cannot be opened there */
  close(text: string, place: string): Buffer {
    const nonce = this.#random(nonceBytes);
    const cipher = createCipheriv(algorithm, this.#key, nonce).setAAD(Buffer.from(place));
    const closed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), closed]);
  }

  /** @throws Error where it was closed with another key, for another place, or changed since */
  open(closed: Buffer, place: string): string {
    const nonce = closed.subarray(0, nonceBytes);
    const tag = closed.subarray(nonceBytes, nonceBytes + tagBytes);
    const decipher = createDecipheriv(algorithm, this.#key, nonce, { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(place)).setAuthTag(tag);
    return (
      decipher.update(closed.subarray(nonceBytes + tagBytes), undefined, "utf8") + decipher.final("utf8")
    );
  }
}
