/** The Nodes that everything is tried on: the oldest that is promised, and those that people run. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";

export const nodeVersions = ["20.19", "22", "24", "26"];

/** A PATH on which `node` is of that version, got from npm. */
export function pathWithNode(version) {
  const name = `node-${process.platform}-${process.arch}`;
  const prefix = fileURLToPath(new URL(`../.clients/node-${version}`, import.meta.url));
  const bin = `${prefix}/node_modules/${name}/bin`;
  if (!existsSync(bin)) {
    const options = ["--prefix", prefix, "--no-save", "--no-audit", "--no-fund"];
    execFileSync("npm", ["install", ...options, `${name}@${version}`], { stdio: "inherit" });
  }
  return `${bin}${delimiter}${process.env.PATH}`;
}
