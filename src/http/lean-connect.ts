/** Connect's protocol on the short way (see lean-unary.ts): neither compressed nor with a deadline. */
import { type DescMethodUnary, toBinary, toJsonString } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { mergeNonProtocolHeaders } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorToJsonBytes, trailerMux } from "@connectrpc/connect/protocol-connect";
import { packedMinBytes, packerOf } from "./body.ts";
import { checkVersion } from "./decode-message.ts";
import { addHeaders, type JsonOptions, type Wire } from "./lean-wire.ts";

export function connectWire(method: DescMethodUnary, json: boolean, jsonOptions: JsonOptions): Wire {
  return {
    protocolName: "connect",
    json,
    isCommon: ({ headers }, maxBytes) =>
      Number(headers["content-length"] ?? Number.NaN) <= maxBytes &&
      headers["content-encoding"] === undefined &&
      headers["connect-timeout-ms"] === undefined,
    open(body, { requestHeader }) {
      checkVersion(requestHeader.get("connect-protocol-version"), "1");
      return body;
    },
    encode(message, { rewriteJson }) {
      if (!json) return toBinary(method.output, message);
      const text = toJsonString(method.output, message, jsonOptions);
      return rewriteJson?.(text) ?? text;
    },
    async answer(response, call, headers, reply) {
      const failed = reply instanceof ConnectError;
      if (failed) mergeNonProtocolHeaders(call.responseHeader, reply.metadata);
      let content = failed ? errorToJsonBytes(reply, jsonOptions) : reply;
      if (call.hasResponseHeaders) addHeaders(headers, trailerMux(call.responseHeader, call.responseTrailer));
      headers["content-type"] = json || failed ? "application/json" : "application/proto";
      let bytes = Buffer.byteLength(content);
      const packer = bytes < packedMinBytes ? undefined : packerOf(call.requestHeader.get("accept-encoding"));
      if (packer) {
        headers["content-encoding"] = packer.name;
        content = await packer.compress(Buffer.from(content));
        bytes = content.length;
      }
      headers["content-length"] = bytes;
      response.writeHead(failed ? codeToHttpStatus(reply.code) : 200, headers).end(content);
    },
  };
}
