/** What carries a call, for those who log it or break it off. */
import type { IncomingMessage } from "node:http";
import { constants, type Http2ServerRequest } from "node:http2";
import type { CallWire } from "../domain/call-log.ts";
import type { Connection } from "../interceptors/connection.ts";

export class HttpConnection implements Connection {
  redirectedTo?: string;
  rewriteJson?: (json: string) => string;
  readonly #request: IncomingMessage | Http2ServerRequest;

  constructor(request: IncomingMessage | Http2ServerRequest) {
    this.#request = request;
  }

  get wire(): CallWire {
    const { httpVersion, method = "", url = "", headers } = this.#request;
    const contentType = method === "GET" ? typeInQuery(url) : headers["content-type"];
    return {
      httpVersion: httpVersion === "2.0" ? "2" : httpVersion,
      httpMethod: method,
      contentType: contentType ?? "",
    };
  }

  /** Over HTTP/2 the stream alone is broken off, over HTTP/1.1 the connection. */
  breakOff(): void {
    const request = this.#request;
    if ("stream" in request) request.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    else request.socket.destroy();
  }
}

/** Connect GET names the codec alone: `encoding=json`. */
function typeInQuery(url: string): string | undefined {
  const codec = /[?&]encoding=([\w-]+)/.exec(url)?.[1];
  return codec && `application/${codec}`;
}
