/** Connect's own client for Node.js, in one of the ways in which it can call, as the stories use clients. */
import { readFileSync } from "node:fs";
import { fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { type Client, ConnectError, createClient } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { apiServices } from "../../src/api.ts";
import {
  EventService,
  WatchEventsRequestSchema,
  WatchEventsResponseSchema,
} from "../../src/gen/gitpod/v1/event_pb.ts";
import { type ClientKind, type JsonObject, type RpcName, userBearer } from "../clients/client.ts";
import { bearing } from "../support/mock.ts";
import type { Way } from "./matrix.ts";

const manifest = new URL("../../node_modules/@connectrpc/connect-node/package.json", import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };

/** The client and the method behind a name. */
function found(rpc: RpcName) {
  const [serviceName, methodName] = rpc.split("/");
  const service = apiServices.find(({ name }) => name === serviceName);
  const method = service?.methods.find(({ name }) => name === methodName);
  if (service === undefined || method === undefined) throw new Error(`there is no RPC ${rpc}`);
  return { service, method };
}

export const connectNode = (way: Way): ClientKind => ({
  name: `Connect for Node.js ${version}`,
  userAgent: /^connect-es\//,
  speaks: way.wires,
  missing: undefined,
  async open(url) {
    const transportOf = (bearer: string) => bearing(way.transport(url), `Bearer ${bearer}`);
    const user = transportOf(userBearer);
    const left: AbortController[] = [];
    return {
      async call(rpc, request, bearer = userBearer) {
        const { service, method } = found(rpc);
        const client = createClient(service, bearer === userBearer ? user : transportOf(bearer));
        const call = client[method.localName] as unknown as (message: unknown) => Promise<never>;
        try {
          const reply = await call(fromJson(method.input, request as JsonValue));
          return { reply: toJson(method.output, reply) as JsonObject };
        } catch (error) {
          const { code, rawMessage: message } = ConnectError.from(error);
          return { error: { code: codeToString(code), message } };
        }
      },
      async watch(request) {
        const abort = new AbortController();
        left.push(abort);
        const events: Client<typeof EventService> = createClient(EventService, user);
        const message = fromJson(WatchEventsRequestSchema, request as JsonValue);
        const stream = events.watchEvents(message, { signal: abort.signal })[Symbol.asyncIterator]();
        // A call begins when its first message is asked for.
        const messages = [stream.next()];
        return {
          async next(count) {
            const read: JsonObject[] = [];
            while (read.length < count) {
              const { value } = (await messages.shift()) ?? {};
              read.push(toJson(WatchEventsResponseSchema, value) as JsonObject);
              messages.push(stream.next());
            }
            return read;
          },
          async end() {
            abort.abort();
            await messages.shift()?.catch(() => {});
          },
        };
      },
      async close() {
        for (const abort of left) abort.abort();
      },
    };
  },
});
