/** Connect's protocol on the short way (see lean-unary.ts): neither compressed nor with a deadline. */
import { toBinary, toJsonString } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { mergeNonProtocolHeaders } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorToJsonBytes, trailerMux } from "@connectrpc/connect/protocol-connect";
import { packedMinBytes, packerOf } from "./body.ts";
import { checkVersion } from "./decode-message.ts";
import { addHeaders, type WireOf } from "./lean-wire.ts";

export const connectWire =
  ({ json }: { readonly json: boolean }): WireOf =>
  (method, jsonOptions) => ({
    protocolName: "connect",
    json,
    isCommon: (headers, maxBytes) =>
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
      const error = reply instanceof ConnectError ? reply : undefined;
      let content = reply instanceof ConnectError ? errorToJsonBytes(reply, jsonOptions) : reply;
      if (error) mergeNonProtocolHeaders(call.responseHeader, error.metadata);
      if (call.hasResponseHeaders) addHeaders(headers, trailerMux(call.responseHeader, call.responseTrailer));
      headers["content-type"] = json || error ? "application/json" : "application/proto";
      const bytes = Buffer.byteLength(content);
      const packer = bytes < packedMinBytes ? undefined : packerOf(call.requestHeader.get("accept-encoding"));
      if (packer) {
        headers["content-encoding"] = packer.name;
        content = await packer.compress(Buffer.from(content));
      }
      headers["content-length"] = packer ? content.length : bytes;
      response.writeHead(error ? codeToHttpStatus(error.code) : 200, headers);
      response.end(content);
    },
  });
