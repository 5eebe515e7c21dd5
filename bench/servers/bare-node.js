/** The least that a server in Node can do: parse the request's JSON, and answer with the JSON that the mock would. */
import { createServer } from "node:http";

const accessToken = "rmock_access_0000000000000000000000000000000000000000000";
const exchangeToken = "rmock_exchange_0000000000000000000000000000000000000000000";

let created = 0;
const server = createServer((request, response) => {
  if (request.method === "GET") return response.end();
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const { name, provider } = JSON.parse(Buffer.concat(chunks).toString());
    const now = new Date().toISOString();
    const runner = {
      runnerId: `00000000-0000-7000-8000-${String(++created).padStart(12, "0")}`,
      createdAt: now,
      updatedAt: now,
      name,
      status: { updatedAt: now, phase: "RUNNER_PHASE_CREATED" },
      creator: { id: "00000000-0000-7000-8000-000000000000", principal: "PRINCIPAL_USER" },
      kind: "RUNNER_KIND_REMOTE",
      provider,
    };
    const body = JSON.stringify({ runner, accessToken, exchangeToken });
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    });
    response.end(body);
  });
});
server.listen(Number(process.argv[2]), "127.0.0.1");
