/**
 * The same service on Connect for Node alone, without anything of ours: what fails here too is not our doing. For
 * experiments, `scripts/conformance.sh --bare`.
 */
import { createServer } from "node:http";
import { createServer as createHttp2Server, createSecureServer } from "node:http2";
import { createRegistry } from "@bufbuild/protobuf";
import { compressionBrotli, compressionGzip, connectNodeAdapter } from "@connectrpc/connect-node";
import { HTTPVersion } from "../../.clients/conformance/gen/connectrpc/conformance/v1/config_pb.ts";
import {
  ConformanceService,
  file_connectrpc_conformance_v1_service,
} from "../../.clients/conformance/gen/connectrpc/conformance/v1/service_pb.ts";
import { host, readRequest, tlsOf, writeResponse } from "./compat.ts";
import { conformanceService } from "./conformance-service.ts";

const request = await readRequest();
const handler = connectNodeAdapter({
  routes: (router) => router.service(ConformanceService, conformanceService),
  readMaxBytes: request.messageReceiveLimit,
  acceptCompression: [compressionGzip, compressionBrotli],
  jsonOptions: { registry: createRegistry(file_connectrpc_conformance_v1_service) },
});
const server = serverOf();
process.once("SIGTERM", () => process.exit());
server.listen(0, host, () => writeResponse(server, request));

function serverOf() {
  const tls = tlsOf(request);
  if (tls !== undefined) return createSecureServer({ ...tls, allowHTTP1: true }, handler);
  const isHttp2 = request.httpVersion === HTTPVersion.HTTP_VERSION_2;
  return isHttp2 ? createHttp2Server(handler) : createServer(handler);
}
