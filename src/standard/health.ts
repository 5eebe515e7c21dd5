/** grpc.health.v1.Health, as probes and load balancers ask it. */
import type { ServiceImpl } from "@connectrpc/connect";
import { onAbort } from "../abort.ts";
import { endedBy, errors } from "../errors.ts";
import { type Health, HealthCheckResponse_ServingStatus as Status } from "../gen/grpc/health/v1/health_pb.ts";
import type { Readiness } from "../readiness.ts";

/** @param names the full names of the services that are served here; the empty one stands for the server itself */
export function createHealth(names: ReadonlySet<string>, readiness: Readiness): ServiceImpl<typeof Health> {
  const isKnown = (service: string) => service === "" || names.has(service);
  const statusNow = () => (readiness.isReady ? Status.SERVING : Status.NOT_SERVING);
  return {
    async check({ service }) {
      if (!isKnown(service)) throw errors.unknownService({ service });
      return { status: statusNow() };
    },

    async *watch({ service }, { signal }) {
      let told: Status | undefined;
      while (!signal.aborted) {
        const change = changed(readiness, signal);
        const status = isKnown(service) ? statusNow() : Status.SERVICE_UNKNOWN;
        // It may change while that is being told.
        if (status === told) await change;
        else yield { status };
        told = status;
      }
      if (told === Status.SERVING) yield { status: Status.NOT_SERVING };
      throw endedBy(signal);
    },
  };
}

/** Resolves once it has changed, or the signal is aborted. */
function changed(readiness: Readiness, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = readiness.onChange(() => {
      end();
      resolve();
    });
    onAbort(signal, () => {
      end();
      resolve();
    });
  });
}
