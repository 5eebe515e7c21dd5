/** The code in a document. */
import { readFileSync } from "node:fs";

export interface Block {
  readonly language: string;
  readonly code: string;
}

/** @param path from the project's folder */
export function codeBlocks(path: string): Block[] {
  const text = readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  return [...text.matchAll(/^```(\S*)[^\n]*\n(.*?)^```$/gms)].map(([, language = "", code = ""]) => ({
    language,
    code,
  }));
}
