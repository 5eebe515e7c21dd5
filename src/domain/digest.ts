/** SHA-256, under which secrets are kept and looked up. */
import { createHash } from "node:crypto";

export function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
