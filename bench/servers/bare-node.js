/** The least that a server in Node can do: parse the request's JSON, and answer with JSON of the same shape. */
import { createServer } from "node:http";

let created = 0;
const server = createServer((request, response) => {
  if (request.method === "GET") return response.end();
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const { name, provider } = JSON.parse(Buffer.concat(chunks).toString());
    const runner = {
      runnerId: `00000000-0000-7000-8000-${String(++created).padStart(12, "0")}`,
      name,
      provider,
    };
    const body = JSON.stringify({ runner, exchangeToken: "token" });
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    });
    response.end(body);
  });
});
server.listen(Number(process.argv[2]), "127.0.0.1");
