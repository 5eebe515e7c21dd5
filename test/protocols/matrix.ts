/** Every way in which a call can be carried: protocol and codec, HTTP version, compression, TLS or plaintext. */
import type { Transport } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { IdentityService } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { RunnerMockOptions } from "../../src/options.ts";
import type { Wire } from "../clients/client.ts";
import { certificate } from "../support/certificates.ts";
import type { StartMock, TestMock } from "../support/mock.ts";

type HttpVersion = "1.1" | "2";
/** What all of Connect's transports take. */
type TransportOptions = Pick<
  Parameters<typeof createGrpcTransport>[0],
  "baseUrl" | "sendCompression" | "acceptCompression" | "compressMinBytes"
> & { readonly nodeOptions?: { readonly ca: string } };

interface Protocol {
  readonly name: string;
  readonly httpVersions: readonly HttpVersion[];
  /** Of a stream. */
  readonly contentType: string;
  readonly usesGet?: boolean;
  readonly transport: (options: TransportOptions, httpVersion: HttpVersion) => Transport;
}

const both = ["1.1", "2"] as const;

const connect =
  (useBinaryFormat: boolean, useHttpGet: boolean): Protocol["transport"] =>
  (options, httpVersion) =>
    createConnectTransport({ ...options, httpVersion, useBinaryFormat, useHttpGet });

const protocols: readonly Protocol[] = [
  {
    name: "Connect JSON",
    httpVersions: both,
    contentType: "application/connect+json",
    transport: connect(false, false),
  },
  {
    name: "Connect JSON with GET",
    httpVersions: both,
    contentType: "application/connect+json",
    usesGet: true,
    transport: connect(false, true),
  },
  {
    name: "Connect binary",
    httpVersions: both,
    contentType: "application/connect+proto",
    transport: connect(true, false),
  },
  {
    name: "Connect binary with GET",
    httpVersions: both,
    contentType: "application/connect+proto",
    usesGet: true,
    transport: connect(true, true),
  },
  {
    name: "gRPC",
    httpVersions: ["2"],
    contentType: "application/grpc+proto",
    transport: createGrpcTransport,
  },
  {
    name: "gRPC-Web",
    httpVersions: both,
    contentType: "application/grpc-web+proto",
    transport: (options, httpVersion) => createGrpcWebTransport({ ...options, httpVersion }),
  },
];

const gzip = { sendCompression: compressionGzip, acceptCompression: [compressionGzip], compressMinBytes: 0 };
const identity = { acceptCompression: [] };

export interface Way {
  readonly title: string;
  /** What the mock's log calls it: the second where the RPC has side effects, and GET does not do. */
  readonly wires: readonly Wire[];
  readonly httpVersion: HttpVersion;
  readonly contentType: string;
  readonly isGrpc: boolean;
  readonly isCompressed: boolean;
  readonly isSecure: boolean;
  /** What a mock needs to be reached in this way; the transports are ready once it has resolved. */
  options(): Promise<RunnerMockOptions>;
  readonly transport: (baseUrl: string) => Transport;
}

const plain = { isCompressed: false, isSecure: false, lean: "on" } as const;
const everyWay = protocols.flatMap((protocol) =>
  protocol.httpVersions.flatMap((httpVersion) =>
    [false, true].flatMap((isCompressed) =>
      [false, true].map((isSecure) => wayOf(protocol, httpVersion, { ...plain, isCompressed, isSecure })),
    ),
  ),
);

/** What otherwise takes the short way (http/lean-unary.ts), through Connect's handlers. */
const longWays = protocols
  .filter(({ name }) => ["Connect JSON", "Connect binary", "gRPC"].includes(name))
  .flatMap((protocol) =>
    protocol.httpVersions.map((httpVersion) => wayOf(protocol, httpVersion, { ...plain, lean: "off" })),
  );

export const ways: readonly Way[] = [...everyWay, ...longWays];

interface WayOptions {
  readonly isCompressed: boolean;
  readonly isSecure: boolean;
  readonly lean: "on" | "off";
}

function wayOf(
  protocol: Protocol,
  httpVersion: HttpVersion,
  { isCompressed, isSecure, lean }: WayOptions,
): Way {
  const { name, contentType, usesGet = false } = protocol;
  let ca: string | undefined;
  const wires = [`${name}, HTTP/${httpVersion}`];
  if (usesGet) wires.push(`${name.replace(" with GET", "")}, HTTP/${httpVersion}`);
  return {
    title: `${name}, HTTP/${httpVersion}, ${isCompressed ? "gzip" : "identity"}, ${isSecure ? "TLS" : "plaintext"}${lean === "on" ? "" : ", the long way"}`,
    wires: wires as Wire[],
    httpVersion,
    contentType,
    isGrpc: name === "gRPC",
    isCompressed,
    isSecure,
    async options() {
      if (!isSecure) return { lean };
      const { cert, key } = await certificate();
      ca = cert;
      return { lean, tlsCert: cert, tlsKey: key };
    },
    transport(baseUrl) {
      const nodeOptions = ca === undefined ? {} : { nodeOptions: { ca } };
      return protocol.transport(
        { baseUrl, ...nodeOptions, ...(isCompressed ? gzip : identity) },
        httpVersion,
      );
    },
  };
}

/** A mock that is reached in this way, and all of whose clients call in it. */
export async function startFor(way: Way, start: StartMock): Promise<TestMock> {
  const mock = await start(await way.options());
  const client: TestMock["client"] = (service, options) =>
    mock.client(service, { transport: way.transport, ...options });
  return { ...mock, client, runner: client(RunnerService), identity: client(IdentityService) };
}

/** Bears a deadline without anything in the client that would keep it. */
export const deadlineHeader = ({ contentType }: Way, timeoutMs: number): Record<string, string> =>
  contentType.startsWith("application/grpc")
    ? { "grpc-timeout": `${timeoutMs}m` }
    : { "connect-timeout-ms": String(timeoutMs) };
