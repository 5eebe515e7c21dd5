/** Calls over HTTP/2 whose framing is sound: what is wrong with them lies in their headers or in their body. */
import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type OutgoingHttpHeaders,
} from "node:http2";
import { answerOf, type Send } from "./row.ts";

export interface Http2Call {
  readonly headers: OutgoingHttpHeaders;
  /** In several pieces it is sent in several frames. */
  readonly body?: string | Uint8Array | readonly Uint8Array[];
  /** Leave the request open, as one who has more to say. */
  readonly open?: boolean;
}

/** A call over a session of its own; a broken off one is answered with `reset` and the error's name. */
export function http2(call: Http2Call): Send {
  return async (port) => {
    const session = connect(`http://127.0.0.1:${port}`);
    // Told by the call that it breaks.
    session.on("error", () => {});
    // From then on the server holds the client to its limits.
    await once(session, "remoteSettings");
    const { answer, text } = await request(session, call);
    return {
      answer,
      text,
      again: session.closed || session.destroyed ? undefined : () => listRunners(session),
      end: () => session.destroy(),
    };
  };
}

/** A good gRPC call. */
export async function listRunners(session: ClientHttp2Session): Promise<string> {
  const { answer } = await request(session, {
    headers: { ":path": "/gitpod.v1.RunnerService/ListRunners", "content-type": "application/grpc" },
    body: new Uint8Array(5),
  });
  return answer;
}

async function request(session: ClientHttp2Session, { headers, body = "", open }: Http2Call) {
  const stream = session.request({ ":method": "POST", te: "trailers", ...headers });
  const answered = answerTo(stream);
  const pieces = Array.isArray(body) ? body : [body];
  for (const piece of pieces) stream.write(piece);
  if (!open) stream.end();
  return answered;
}

function answerTo(stream: ClientHttp2Stream): Promise<{ answer: string; text: string }> {
  return new Promise((resolve) => {
    const headers: Record<string, string> = {};
    const chunks: Buffer[] = [];
    const take = (more: object) => {
      for (const [name, value] of Object.entries(more)) headers[name] = String(value);
    };
    stream.on("response", take).on("trailers", take);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    const told = () =>
      resolve(answerOf({ status: Number(headers[":status"]), headers, body: Buffer.concat(chunks) }));
    stream.on("end", () => {
      if (headers[":status"] !== undefined) told();
    });
    // Told by "close", with its code.
    stream.on("error", () => {});
    stream.on("close", () => resolve({ answer: `reset ${errorName(stream.rstCode ?? 0)}`, text: "" }));
  });
}

/** RFC 9113, section 7: by their codes. */
const errorNames = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
];

/** `PROTOCOL_ERROR` for 1. */
export const errorName = (code: number) => errorNames[code] ?? `error ${code}`;
