/** What implements the services of the API. */
import type { DescService } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { apiServices } from "../api.ts";
import { EventService } from "../gen/gitpod/v1/event_pb.ts";
import { GatewayService } from "../gen/gitpod/v1/gateway_pb.ts";
import { IdentityService } from "../gen/gitpod/v1/identity_pb.ts";
import { RunnerConfigurationService } from "../gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerService } from "../gen/gitpod/v1/runner_pb.ts";
import { eventService } from "./event-service.ts";
import { gatewayService } from "./gateway-service.ts";
import { identityService } from "./identity-service.ts";
import { runnerConfigurationService } from "./runner-configuration-service.ts";
import { runnerService } from "./runner-service.ts";

const implementations: ReadonlyMap<DescService, object> = new Map<DescService, object>([
  [RunnerService, runnerService],
  [IdentityService, identityService],
  [EventService, eventService],
  [GatewayService, gatewayService],
  [RunnerConfigurationService, runnerConfigurationService],
]);

export function registerServices(router: ConnectRouter): void {
  for (const service of apiServices) router.service(service, implementations.get(service) ?? {});
}
