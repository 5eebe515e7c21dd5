/** gRPC over HTTP/2 on the short way (see lean-unary.ts): not compressed by the client, and without a deadline. */
import { type DescMethodUnary, toBinary } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { type Content, packedMinBytes, packerOf } from "./body.ts";
import { compressedFlag, envelopePrefixBytes, onlyEnvelope, open } from "./decode-message.ts";
import { addHeaders, type Wire } from "./lean-wire.ts";

export const grpcWire = (method: DescMethodUnary): Wire => ({
  protocolName: "grpc",
  json: false,
  isCommon: ({ headers, httpVersionMajor }) =>
    httpVersionMajor === 2 &&
    (headers["grpc-encoding"] ?? "identity") === "identity" &&
    headers["grpc-timeout"] === undefined,
  open: (body) => open(onlyEnvelope(body), undefined).bytes,
  encode: (message) => toBinary(method.output, message),
  async answer(response, call, headers, reply) {
    const failed = reply instanceof ConnectError;
    if (failed) setTrailerStatus(call.responseTrailer, reply);
    const trailers = { "grpc-status": "0" };
    if (call.hasResponseHeaders) {
      addHeaders(headers, call.responseHeader);
      addHeaders(trailers, call.responseTrailer);
    }
    headers["content-type"] = "application/grpc+proto";
    const packer = packerOf(call.requestHeader.get("grpc-accept-encoding"));
    if (packer) headers["grpc-encoding"] = packer.name;
    const body = failed ? undefined : await enveloped(reply, packer);
    response.writeHead(200, headers);
    response.addTrailers(trailers);
    if (body) response.end(body);
    else response.end();
  },
});

async function enveloped(content: Content, packer: Compression | undefined): Promise<Uint8Array> {
  const message = Buffer.from(content);
  const packed = message.length < packedMinBytes ? undefined : await packer?.compress(message);
  const { length } = packed ?? message;
  const envelope = Buffer.allocUnsafe(envelopePrefixBytes + length);
  envelope.writeUInt8(packed ? compressedFlag : 0);
  envelope.writeUInt32BE(length, 1);
  envelope.set(packed ?? message, envelopePrefixBytes);
  return envelope;
}
