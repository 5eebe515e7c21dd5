/** Certificates for loopback that sign themselves, made anew in each run: a key that is kept is a key that leaks. */
import { generate } from "selfsigned";

/** As PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

let shared: Promise<Certificate> | undefined;

/** One for `localhost`, 127.0.0.1 and ::1; it is its own authority. */
export function certificate(): Promise<Certificate> {
  shared ??= makeCertificate();
  return shared;
}

export async function makeCertificate(): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
          { type: 7, ip: "::1" },
        ],
      },
    ],
  });
  return { cert, key };
}
