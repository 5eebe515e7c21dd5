/** grpc.health.v1.Health, as probes and load balancers ask it. */
import type { ServiceImpl } from "@connectrpc/connect";
import { aborted } from "../abort.ts";
import { endedBy, errors } from "../errors.ts";
import { type Health, HealthCheckResponse_ServingStatus as Status } from "../gen/grpc/health/v1/health_pb.ts";

/** @param names the full names of the services that are served here; the empty one stands for the server itself */
export function createHealth(names: ReadonlySet<string>): ServiceImpl<typeof Health> {
  const isKnown = (service: string) => service === "" || names.has(service);
  return {
    async check({ service }) {
      if (!isKnown(service)) throw errors.unknownService({ service });
      return { status: Status.SERVING };
    },

    async *watch({ service }, { signal }) {
      yield { status: isKnown(service) ? Status.SERVING : Status.SERVICE_UNKNOWN };
      await aborted(signal);
      // Nothing but the end of the server ever changes it.
      if (isKnown(service)) yield { status: Status.NOT_SERVING };
      throw endedBy(signal);
    },
  };
}
