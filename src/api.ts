/** The API that is served, as its schema describes it. */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { EventService } from "./gen/gitpod/v1/event_pb.ts";
import { GatewayService } from "./gen/gitpod/v1/gateway_pb.ts";
import { IdentityService } from "./gen/gitpod/v1/identity_pb.ts";
import { RunnerConfigurationService } from "./gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerService } from "./gen/gitpod/v1/runner_pb.ts";

export const apiServices: readonly DescService[] = [
  RunnerService,
  IdentityService,
  EventService,
  GatewayService,
  RunnerConfigurationService,
];

const rpcNames: ReadonlySet<string> = new Set(
  apiServices.flatMap(({ methods }) => methods.flatMap((method) => [method.name, rpcOf(method)])),
);

/** Whether the API has an RPC of that name, with its service (`gitpod.v1.RunnerService/GetRunner`) or without. */
export function isRpcName(name: string): boolean {
  return rpcNames.has(name);
}

/** Whether the RPC is meant by that name; the empty one means them all. */
export function isMeant(method: DescMethod, name: string): boolean {
  return name === "" || name === method.name || name === rpcOf(method);
}

/** An RPC's name with its service. */
export function rpcOf({ parent, name }: DescMethod): string {
  return `${parent.typeName}/${name}`;
}
