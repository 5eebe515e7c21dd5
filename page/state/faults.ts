/** The faults of the world, in the order in which they were injected. */
import { signal } from "@preact/signals";
import type { Fault } from "../../src/gen/runnermock/v1/control_pb.ts";
import { control } from "./control.ts";
import { world } from "./worlds.ts";

export const faults = signal<readonly Fault[]>([]);

export async function readFaults(abort?: AbortSignal): Promise<void> {
  const name = world.value;
  const found = await control.listFaults({ world: name }, abort && { signal: abort });
  if (name === world.value) faults.value = found.faults;
}
