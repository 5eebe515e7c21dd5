/** SHA-256, under which secrets are kept and looked up. */
import { hash, timingSafeEqual } from "node:crypto";

export function digest(text: string): string {
  return hash("sha256", text, "base64url");
}

/** Whether it is the digest of the text. How long that takes says nothing about either. */
export function isDigestOf(expected: string, text: string): boolean {
  return timingSafeEqual(Buffer.from(digest(text)), Buffer.from(expected));
}
