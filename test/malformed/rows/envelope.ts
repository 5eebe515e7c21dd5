/** The five bytes that gRPC, gRPC-Web and Connect's streams put before a message: flags, and its length. */

/** @param length what it says; default: the truth */
export function envelope(
  flags: number,
  data: Uint8Array | string = "",
  length?: number,
): Buffer<ArrayBuffer> {
  const bytes = Buffer.from(data);
  const head = Buffer.alloc(5);
  head.writeUInt8(flags);
  head.writeUInt32BE(length ?? bytes.length, 1);
  return Buffer.concat([head, bytes]);
}
