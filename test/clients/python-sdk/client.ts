/** The official Python SDK 0.x, synchronous and asynchronous, each as a program that is told what to call. */
import { fileURLToPath } from "node:url";
import { type ClientKind, type JsonObject, type Outcome, userBearer, type Watch } from "../client.ts";
import { type Driver, startDriver } from "../driver.ts";
import { pythonSdk } from "./environment.ts";

const program = fileURLToPath(new URL("driver.py", import.meta.url));

export const pythonSdkKinds: readonly ClientKind[] = ["Gitpod", "AsyncGitpod"].map((name) => ({
  name: `Python SDK ${pythonSdk.version}, ${name}`,
  userAgent: new RegExp(`^${name}/Python ${pythonSdk.version.replaceAll(".", "\\.")}$`),
  speaks: ["Connect JSON, HTTP/1.1", "JSON Lines, HTTP/1.1"],
  missing: pythonSdk.missing,
  lacks: { "RunnerConfigurationService/CreateLLMIntegration": `not in version ${pythonSdk.version}` },
  attempts: { already_exists: 3, resource_exhausted: 3, unavailable: 3 },
  async open(url) {
    const driver = startDriver(pythonSdk.python, [program, name, `${url}/api`, userBearer]);
    return {
      ...callsOf(driver),
      list: async (rpc, request) => (await driver.ask({ do: "list", rpc, request })) as readonly JsonObject[],
    };
  },
}));

/** What drivers in Python have in common. */
export function callsOf(driver: Driver) {
  return {
    call: async (rpc: string, request: JsonObject, bearer = userBearer) =>
      (await driver.ask({ do: "call", rpc, request, bearer })) as Outcome,
    async watch(request: JsonObject): Promise<Watch> {
      const { watch } = (await driver.ask({ do: "watch", request })) as { readonly watch: number };
      return {
        next: async (count) => (await driver.ask({ do: "next", watch, count })) as readonly JsonObject[],
        end: async () => void (await driver.ask({ do: "leave", watch })),
      };
    },
    close: () => driver.end(),
  };
}
