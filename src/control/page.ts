/** Where the page to look inside is found. Nothing of it is loaded before somebody asks for it. */
import type { FastifyInstance, FastifyReply } from "fastify";

export function registerPage(app: FastifyInstance): void {
  app.get("/", (_request, reply) => send(reply, "index.html"));
  app.get<{ Params: { file: string } }>("/assets/:file", ({ params }, reply) =>
    send(reply, `assets/${params.file}`),
  );
}

async function send(reply: FastifyReply, name: string): Promise<FastifyReply> {
  const { pageFile } = await import("./page-files.ts");
  const file = await pageFile(name);
  if (file === undefined) {
    reply.callNotFound();
    return reply;
  }
  return reply.headers(file.headers).send(file.body);
}
