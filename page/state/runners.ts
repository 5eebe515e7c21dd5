/** The runners of the world, the newest first. A step changes them all at once. */
import { durationMs } from "@bufbuild/protobuf/wkt";
import { signal } from "@preact/signals";
import type { RegisteredRunner, WatchRunnersResponse } from "../../src/gen/runnermock/v1/control_pb.ts";

export const runners = signal<readonly RegisteredRunner[]>([]);

/** How long a lease is. */
export const leaseMs = signal(30_000);

let known = new Map<string, RegisteredRunner>();

export const idOf = ({ runner }: RegisteredRunner) => runner?.runnerId ?? "";

export function runnerById(runnerId: string): RegisteredRunner | undefined {
  return known.get(runnerId);
}

/** What takes the responses of one watch: the first step says everything anew. */
export function runnersReader(): (response: WatchRunnersResponse) => void {
  let isFirst = true;
  let step = new Map<string, RegisteredRunner>();
  return ({ runners: changed, gone, lease, more }) => {
    for (const runner of changed) step.set(idOf(runner), runner);
    if (more) return;
    if (lease !== undefined) leaseMs.value = durationMs(lease);
    if (isFirst) {
      known = step;
      show(true);
    } else if (step.size > 0 || gone.length > 0) {
      const before = known.size;
      for (const [id, runner] of step) known.set(id, runner);
      const added = known.size - before;
      for (const id of gone) known.delete(id);
      show(added > 0 || gone.length > 0);
    }
    isFirst = false;
    step = new Map();
  };
}

export function forgetRunners(): void {
  known = new Map();
  show(true);
}

let order: string[] = [];

function show(reorder: boolean): void {
  // Ids count up with time.
  if (reorder) order = [...known.keys()].sort().reverse();
  runners.value = order.flatMap((id) => known.get(id) ?? []);
}
