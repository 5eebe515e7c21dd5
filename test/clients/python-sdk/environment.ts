/** A Python that has the SDK of a folder's requirements.txt; its setup.sh puts it into .clients/. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));

export interface Environment {
  readonly python: string;
  /** What pip installs: the one place that names the version. */
  readonly requirement: string;
  readonly version: string;
  /** Why nothing can run in it; undefined: it can. */
  readonly missing: string | undefined;
}

export function environmentOf(client: string): Environment {
  const there = `${root}.clients/${client}`;
  const required = readFileSync(`${root}test/clients/${client}/requirements.txt`, "utf8");
  const installed = existsSync(`${there}/requirements.txt`)
    ? readFileSync(`${there}/requirements.txt`, "utf8")
    : "nothing";
  const requirement = required.trim();
  return {
    python: `${there}/bin/python`,
    requirement,
    version: requirement.split("==")[1] ?? "",
    missing:
      installed === required
        ? undefined
        : `.clients/${client} has ${installed.trim()}, not ${requirement}: npm run setup:clients`,
  };
}

export const pythonSdk = environmentOf("python-sdk");

/** The title of what is skipped where Python is missing, which then says why. */
export function inPython(title: string): string {
  if (pythonSdk.missing === undefined) return title;
  // biome-ignore lint/suspicious/noConsole: who reads the results must hear of what did not run
  console.warn(`skipped: ${title}: ${pythonSdk.missing}`);
  return `${title} (skipped: ${pythonSdk.missing})`;
}
