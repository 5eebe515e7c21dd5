/** SHA-256, under which secrets are kept and looked up. */
import { createHash, timingSafeEqual } from "node:crypto";

export function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

/** Whether it is the digest of the text. How long that takes says nothing about either. */
export function isDigestOf(expected: string, text: string): boolean {
  return timingSafeEqual(Buffer.from(digest(text)), Buffer.from(expected));
}
