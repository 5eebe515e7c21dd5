/** The control service, called as anybody may call it: with Connect, and with the bearer that it asks for, if it does. */
import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { signal } from "@preact/signals";
import { ControlService } from "../../src/gen/runnermock/v1/control_pb.ts";

const storedAs = "runner-mock-control-token";

/** Kept until its tab is closed. */
export const bearer = signal(sessionStorage.getItem(storedAs) ?? "");

export function setBearer(token: string): void {
  sessionStorage.setItem(storedAs, token);
  bearer.value = token;
}

const bearing: Interceptor = (next) => (request) => {
  if (bearer.value !== "") request.header.set("authorization", `Bearer ${bearer.value}`);
  return next(request);
};

export const control: Client<typeof ControlService> = createClient(
  ControlService,
  createConnectTransport({
    baseUrl: new URL(".", location.href).href.slice(0, -1),
    useBinaryFormat: true,
    interceptors: [bearing],
  }),
);
