/**
 * How the conformance suite and a server that it starts talk: by one message on stdin, which says how to listen, and
 * one on stdout, which says where the server does. Messages have their length before them, in four bytes.
 */
import type { AddressInfo, Server } from "node:net";
import { buffer } from "node:stream/consumers";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type ServerCompatRequest,
  ServerCompatRequestSchema,
  ServerCompatResponseSchema,
} from "../../.clients/conformance/gen/connectrpc/conformance/v1/server_compat_pb.ts";

const lengthBytes = 4;

/** Where the suite's clients and its certificate expect the server. */
export const host = "127.0.0.1";

export async function readRequest(): Promise<ServerCompatRequest> {
  return fromBinary(ServerCompatRequestSchema, (await buffer(process.stdin)).subarray(lengthBytes));
}

/** What the server shows, as the suite asks; undefined: plaintext. */
export function tlsOf({ serverCreds }: ServerCompatRequest): { cert: string; key: string } | undefined {
  const pem = (bytes: Uint8Array) => Buffer.from(bytes).toString();
  return serverCreds && { cert: pem(serverCreds.cert), key: pem(serverCreds.key) };
}

/** Says where the server listens. */
export function writeResponse(server: Server, { serverCreds }: ServerCompatRequest): void {
  const { port } = server.address() as AddressInfo;
  const pemCert = serverCreds?.cert ?? new Uint8Array();
  const response = create(ServerCompatResponseSchema, { host, port, pemCert });
  const message = toBinary(ServerCompatResponseSchema, response);
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(message.length);
  process.stdout.write(Buffer.concat([length, message]));
}
