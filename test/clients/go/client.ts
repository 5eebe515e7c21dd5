/** What Go programs call with, the Terraform provider among them: connect-go as they set it up, and grpc-go. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type ClientKind, type JsonObject, type Outcome, userBearer, type Wire } from "../client.ts";
import { startDriver } from "../driver.ts";

const driverPath = fileURLToPath(new URL("../../../.clients/go/driver", import.meta.url));
const pinned = readFileSync(new URL("go.mod", import.meta.url), "utf8");
const versionOf = (module: string) => new RegExp(`^\\t${module} v(\\S+)$`, "m").exec(pinned)?.[1];

const connect = { name: "connect-go", version: versionOf("connectrpc.com/connect") };
const grpc = { name: "grpc-go", version: versionOf("google.golang.org/grpc") };

interface Way {
  readonly library: typeof connect;
  readonly setting: string;
  /** What the driver calls it. */
  readonly flag: string;
  readonly speaks: readonly Wire[];
  /** What the library calls itself, if not by its name. */
  readonly product?: string;
}

function kindOf({ library: { name, version }, setting, flag, speaks, product = name }: Way): ClientKind {
  return {
    name: `${name} ${version}`,
    setting,
    userAgent: new RegExp(`^${product}/${version}( |$)`),
    speaks,
    missing: existsSync(driverPath) ? undefined : `${driverPath} is not there: npm run setup:clients`,
    async open(url) {
      const driver = startDriver(driverPath, ["-url", url, "-setting", flag]);
      return {
        call: async (rpc, request, bearer = userBearer) =>
          (await driver.ask({ do: "call", rpc, request, bearer })) as Outcome,
        async watch(request) {
          const { watch } = (await driver.ask({ do: "watch", request, bearer: userBearer })) as Answer;
          return {
            async next(count) {
              const { events, error } = (await driver.ask({ do: "next", watch, count })) as Answer;
              if (events === undefined) throw new Error(`the watch has ended: ${JSON.stringify(error)}`);
              return events;
            },
            end: async () => void (await driver.ask({ do: "leave", watch })),
          };
        },
        close: () => driver.end(),
      };
    },
  };
}

type Answer = {
  readonly watch: number;
  readonly events?: readonly JsonObject[];
  readonly error?: JsonObject;
};

export const goKinds: readonly ClientKind[] = [
  { library: connect, setting: "Connect", flag: "connect", speaks: ["Connect binary, HTTP/1.1"] } as const,
  {
    library: connect,
    setting: "Connect with GET",
    flag: "connect-get",
    speaks: ["Connect binary, HTTP/1.1", "Connect binary with GET, HTTP/1.1"],
  } as const,
  {
    library: connect,
    setting: "Connect JSON over h2c, with gzip both ways",
    flag: "connect-json-gzip-h2c",
    speaks: ["Connect JSON, HTTP/2"],
  } as const,
  {
    library: connect,
    product: "grpc-go-connect",
    setting: "gRPC over h2c",
    flag: "grpc-h2c",
    speaks: ["gRPC, HTTP/2"],
  } as const,
  {
    library: connect,
    product: "grpc-go-connect",
    setting: "gRPC-Web",
    flag: "grpc-web",
    speaks: ["gRPC-Web, HTTP/1.1"],
  } as const,
  { library: grpc, setting: "gRPC over h2c", flag: "grpc-go", speaks: ["gRPC, HTTP/2"] } as const,
].map(kindOf);
