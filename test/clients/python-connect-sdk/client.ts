/** The official Python SDK from version 1 on: Connect in binary, by the generated clients that it offers. */
import { fileURLToPath } from "node:url";
import { type ClientKind, userBearer } from "../client.ts";
import { startDriver } from "../driver.ts";
import { callsOf } from "../python-sdk/client.ts";
import { environmentOf } from "../python-sdk/environment.ts";

const program = fileURLToPath(new URL("driver.py", import.meta.url));
const { python, version, missing } = environmentOf("python-connect-sdk");

export const pythonConnectSdk: ClientKind = {
  name: `Python SDK ${version}`,
  userAgent: new RegExp(`^ona-python-sdk/${version.replaceAll(".", "\\.")} `),
  speaks: ["Connect binary, HTTP/1.1"],
  missing,
  open: async (url) => callsOf(startDriver(python, [program, `${url}/api`, userBearer])),
};
