/** The services of the API and what implements them; an RPC without an implementation is `unimplemented`. */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { EventService } from "../gen/gitpod/v1/event_pb.ts";
import { GatewayService } from "../gen/gitpod/v1/gateway_pb.ts";
import { IdentityService } from "../gen/gitpod/v1/identity_pb.ts";
import { RunnerConfigurationService } from "../gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerService } from "../gen/gitpod/v1/runner_pb.ts";
import { eventService } from "./event-service.ts";
import { gatewayService } from "./gateway-service.ts";
import { identityService } from "./identity-service.ts";
import { runnerService } from "./runner-service.ts";

const services: readonly (readonly [DescService, object])[] = [
  [RunnerService, runnerService],
  [IdentityService, identityService],
  [EventService, eventService],
  [GatewayService, gatewayService],
  [RunnerConfigurationService, {}],
];

/** The API's, as their schema describes them. */
export const apiServices: readonly DescService[] = services.map(([service]) => service);

export function registerServices(router: ConnectRouter): void {
  for (const [service, implementation] of services) router.service(service, implementation);
}

const implemented: ReadonlySet<DescMethod> = new Set(
  services.flatMap(([{ methods }, implementation]) =>
    methods.filter(({ localName }) => localName in implementation),
  ),
);

/** Whether there is an implementation; those without are not to be held against rules that lead nowhere. */
export function isImplemented(method: DescMethod): boolean {
  return implemented.has(method);
}
