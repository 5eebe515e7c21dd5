/** Debian's Chromium, headless, one for all who ask until it is ended. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const executablePath = "/usr/bin/chromium";

/** Of the browser that there is; undefined: there is none. */
export const browserVersion = existsSync(executablePath)
  ? /[\d.]+\d/.exec(spawnSync(executablePath, ["--version"], { encoding: "utf8" }).stdout)?.[0]
  : undefined;

export const missingBrowser =
  browserVersion === undefined ? `${executablePath} is not there: npm run setup:clients` : undefined;

const args = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--ignore-certificate-errors",
  // A name that leads here, as an attacker's may.
  "--host-resolver-rules=MAP rebound.test 127.0.0.1",
];

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath, args, chromiumSandbox: false });
