/** All that is malformed, by themes. */
import type { Theme } from "./row.ts";
import { compression } from "./rows/compression.ts";
import { connectGet } from "./rows/connect-get.ts";
import { envelopes } from "./rows/envelopes.ts";
import { headers } from "./rows/headers.ts";
import { http1Framing } from "./rows/http1-framing.ts";
import { http2Frames } from "./rows/http2-frames.ts";
import { jsonBodies } from "./rows/json-bodies.ts";
import { paths } from "./rows/paths.ts";
import { protobufBodies } from "./rows/protobuf-bodies.ts";
import { slowConnections } from "./rows/slow-connections.ts";

export const themes: readonly Theme[] = [
  jsonBodies,
  protobufBodies,
  compression,
  envelopes,
  headers,
  connectGet,
  http1Framing,
  http2Frames,
  slowConnections,
  paths,
];
