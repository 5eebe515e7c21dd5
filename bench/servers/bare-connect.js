/** Connect on Fastify with the same messages, and no rules, state, identity, log or events. */

import { timestampNow } from "@bufbuild/protobuf/wkt";
import { fastifyConnectPlugin } from "@connectrpc/connect-fastify";
import fastify from "fastify";
import { Principal } from "../../dist/gen/gitpod/v1/identity_pb.js";
import { RunnerKind } from "../../dist/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerPhase, RunnerService } from "../../dist/gen/gitpod/v1/runner_pb.js";

const [port, http2] = process.argv.slice(2);
const accessToken = "rmock_access_0000000000000000000000000000000000000000000";
const exchangeToken = "rmock_exchange_0000000000000000000000000000000000000000000";
const creator = { id: "00000000-0000-7000-8000-000000000000", principal: Principal.USER };
let created = 0;
const runnerId = (count) => `00000000-0000-7000-8000-${String(count).padStart(12, "0")}`;
const app = fastify({ http2: http2 === "h2c" });
app.get("/readyz", async () => "ok");
app.register(fastifyConnectPlugin, {
  routes: (router) =>
    router.service(RunnerService, {
      createRunner: ({ name, provider }) => {
        const now = timestampNow();
        const status = { phase: RunnerPhase.CREATED, updatedAt: now };
        const runner = {
          runnerId: runnerId(++created),
          name,
          provider,
          kind: RunnerKind.REMOTE,
          status,
          creator,
        };
        return { runner: { ...runner, createdAt: now, updatedAt: now }, accessToken, exchangeToken };
      },
      getRunner: (request) => ({ runner: { runnerId: request.runnerId, name: "My Runner" } }),
    }),
});
await app.listen({ host: "127.0.0.1", port: Number(port) });
