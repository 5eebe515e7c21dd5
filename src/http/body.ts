/** Reading and writing bodies in one piece, without a stream's ado. */
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { compressionNegotiate } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { errors } from "../errors.ts";

/** A request's body, as long as its header has promised. */
export class Body {
  readonly #raw: IncomingMessage | Http2ServerRequest;
  #reading: Promise<Uint8Array> | undefined;

  constructor(raw: IncomingMessage | Http2ServerRequest) {
    this.#raw = raw;
  }

  read(): Promise<Uint8Array> {
    this.#reading ??= new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let isWhole = false;
      // An error has a stack, which takes long to write down: only where there is one.
      const fail = (cause?: unknown) => isWhole || reject(errors.clientWentAway({ cause }));
      this.#raw.on("data", (chunk: Buffer) => chunks.push(chunk));
      this.#raw.once("end", () => {
        isWhole = true;
        resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
      });
      this.#raw.once("error", fail).once("close", fail);
      // Whoever was gone before has nobody tell it any more: Node has let what it sent run out.
      if (this.#raw.destroyed || this.#raw.readableEnded) fail();
    });
    return this.#reading;
  }

  /** Resolves once all of it is there, or its client gone; undefined where there is nothing to wait for. */
  arrived(): Promise<unknown> | undefined {
    return this.#raw.readableEnded ? undefined : this.read().catch(() => {});
  }
}

/** As text it goes out in one write with its headers. */
export type Content = string | Uint8Array;

/** What Connect does not compress: less would not become smaller. */
const compressMinBytes = 1_024;
const compressions = [compressionGzip, compressionBrotli];

/** What packs a content of that length for a client that accepts these; undefined where it goes as it is. */
export function packerOf(bytes: number, accepted: string | null) {
  if (accepted === null || bytes < compressMinBytes) return undefined;
  return compressionNegotiate(compressions, null, accepted, "").response ?? undefined;
}
