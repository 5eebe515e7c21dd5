/** The Python of .venv/, if it has the SDK that the tests run; scripts/setup-python.sh puts it there. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

/** What pip installs: the one place that names the version. */
export const requirement = readFileSync(path("test/clients/python/requirements.txt"), "utf8").trim();

export const python = path(".venv/bin/python");

/** Why the tests of the Python SDK cannot run; undefined: they can. */
export const pythonIsMissing = missing();

function missing(): string | undefined {
  const version = requirement.split("==")[1];
  const { error, stdout, stderr } = spawnSync(python, ["-c", "import gitpod; print(gitpod.__version__)"], {
    encoding: "utf8",
  });
  const how = "run scripts/setup-python.sh";
  if (error !== undefined) return `there is no .venv/bin/python: ${how}`;
  const found = stdout.trim();
  if (found === "") return `.venv/bin/python cannot import gitpod (${lastLine(stderr)}): ${how}`;
  return found === version ? undefined : `.venv has gitpod-sdk ${found} instead of ${version}: ${how}`;
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

/** The title of what is skipped where Python is missing, which then says why. */
export function inPython(title: string): string {
  if (pythonIsMissing === undefined) return title;
  // biome-ignore lint/suspicious/noConsole: who reads the results must hear of what did not run
  console.warn(`skipped: ${title}: ${pythonIsMissing}`);
  return `${title} (skipped: ${pythonIsMissing})`;
}
