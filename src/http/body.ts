/** Reading and writing bodies in one piece, without a stream's ado. */
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { compressionNegotiate } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { errors } from "../errors.ts";
import { envelopePrefixBytes } from "./decode-message.ts";

/** A request's body, with a message that is no larger than allowed. */
export class Body {
  readonly #raw: IncomingMessage | Http2ServerRequest;
  readonly #maxBytes: number;
  #reading: Promise<Uint8Array> | undefined;

  constructor(raw: IncomingMessage | Http2ServerRequest, maxBytes: number) {
    this.#raw = raw;
    this.#maxBytes = maxBytes;
  }

  read(): Promise<Uint8Array> {
    this.#reading ??= new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let left = this.#maxBytes + envelopePrefixBytes;
      let isWhole = false;
      // An error has a stack, which takes long to write down: only where there is one.
      const fail = (cause?: unknown) => isWhole || reject(errors.clientWentAway({ cause }));
      this.#raw.on("data", (chunk: Buffer) => {
        left -= chunk.length;
        if (left >= 0) chunks.push(chunk);
        // What lies beyond is let pass, so that the client gets to read its answer; one error is enough for it.
        else if (left + chunk.length >= 0) reject(errors.bodyTooLarge({ limitBytes: this.#maxBytes }));
      });
      this.#raw.on("end", () => {
        isWhole = true;
        resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
      });
      this.#raw.on("error", fail).on("close", fail);
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

/** What is shorter Connect does not compress: it would not become smaller. */
export const packedMinBytes = 1_024;
const compressions = [compressionGzip, compressionBrotli];

/** What packs for a client that accepts these; undefined where what it gets goes as it is. */
export function packerOf(accepted: string | null) {
  if (accepted === null) return undefined;
  return compressionNegotiate(compressions, null, accepted, "").response ?? undefined;
}
