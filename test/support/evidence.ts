/** What a test has proven: that a client's call of an RPC was answered as expected. It is noted on the test itself. */
import type { Call } from "../../src/gen/runnermock/v1/control_pb.ts";
import type { Wire } from "../clients/client.ts";

export interface Evidence {
  /** The client, with its version. */
  readonly client: string;
  readonly wire: string;
  /** With its service: `gitpod.v1.RunnerService/CreateRunner`. */
  readonly rpc: string;
}

declare module "vitest" {
  interface TaskMeta {
    /** Counts if the test passes; scripts/evidence.js makes docs/evidence.md of it. */
    evidence?: readonly Evidence[];
  }
}

/** How the log says that a call was carried. */
export function wireOf({ protocol, httpVersion, httpMethod, contentType }: Call): Wire {
  const http = `HTTP/${httpVersion as "1.1" | "2"}` as const;
  switch (protocol) {
    case "grpc":
      return `gRPC, ${http}`;
    case "grpc-web":
      return `gRPC-Web, ${http}`;
    case "jsonl":
      return `JSON Lines, ${http}`;
    default: {
      const codec = contentType.includes("json") ? "JSON" : "binary";
      return `Connect ${codec}${httpMethod === "GET" ? " with GET" : ""}, ${http}` as Wire;
    }
  }
}
