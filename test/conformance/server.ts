/** The program that the conformance suite starts: the mock's own listener and handlers, with the suite's service. */
import { host, readRequest, tlsOf, writeResponse } from "./compat.ts";
import { createConformanceApp } from "./conformance-app.ts";

const request = await readRequest();
const { app, close } = await createConformanceApp({
  tls: tlsOf(request),
  maxBodyBytes: request.messageReceiveLimit,
  lean: process.argv[2] !== "--lean=off",
});
process.once("SIGTERM", () => void close());
await app.listen({ host, port: 0 });
writeResponse(app.server, request);
