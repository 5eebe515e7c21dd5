/** Connect on Fastify with the same messages, and no rules, state, identity, log or events. */
import { fastifyConnectPlugin } from "@connectrpc/connect-fastify";
import fastify from "fastify";
import { RunnerService } from "../../dist/gen/gitpod/v1/runner_pb.js";

const [port, http2] = process.argv.slice(2);
let created = 0;
const runnerId = (count) => `00000000-0000-7000-8000-${String(count).padStart(12, "0")}`;
const app = fastify({ http2: http2 === "h2c" });
app.get("/readyz", async () => "ok");
app.register(fastifyConnectPlugin, {
  routes: (router) =>
    router.service(RunnerService, {
      createRunner: ({ name, provider }) => ({
        runner: { runnerId: runnerId(++created), name, provider },
        exchangeToken: "token",
      }),
      getRunner: (request) => ({ runner: { runnerId: request.runnerId, name: "My Runner" } }),
    }),
});
await app.listen({ host: "127.0.0.1", port: Number(port) });
