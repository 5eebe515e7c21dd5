/** The certificate and key that the options name, read and tried together, so that a wrong one ends the start. */
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import type { TlsIdentity } from "./http/one-port.ts";
import { OptionError, type Settings } from "./options.ts";
import { shown } from "./shown.ts";

type PemOption = "tlsCert" | "tlsKey";

/** @throws OptionError for one without the other, and for what is not what it has to be; it shows nothing of a key */
export async function readTls(settings: Pick<Settings, PemOption>): Promise<TlsIdentity | undefined> {
  const [cert, key] = await Promise.all([read("tlsCert", settings), read("tlsKey", settings)]);
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined) throw new OptionError("tlsCert", "nothing", "a value where tlsKey has one");
  if (key === undefined) throw new OptionError("tlsKey", "nothing", "a value where tlsCert has one");
  attempt(settings, "tlsCert", "a certificate", { cert });
  attempt(settings, "tlsKey", "a private key without a passphrase", { key });
  attempt(settings, "tlsKey", "the private key of the certificate in tlsCert", { cert, key });
  return { cert, key };
}

async function read(name: PemOption, { [name]: value }: Pick<Settings, PemOption>) {
  if (value === undefined || isPem(value)) return value;
  try {
    return await readFile(value, "utf8");
  } catch (error) {
    throw new OptionError(name, shown(value), `a file that can be read: ${(error as Error).message}`);
  }
}

function attempt(
  settings: Pick<Settings, PemOption>,
  name: PemOption,
  takes: string,
  identity: Partial<TlsIdentity>,
): void {
  const value = settings[name] ?? "";
  try {
    createSecureContext(identity);
  } catch (error) {
    const got = isPem(value) ? "a PEM text" : shown(value);
    throw new OptionError(name, got, `${takes}: ${(error as Error).message}`);
  }
}

/** Whether it is the PEM itself, and not the path of one. */
export const isPem = (value: string) => value.includes("-----BEGIN ");
