/** Which worlds there are, and which of them is looked into. It is in the address, so that it can be kept and shared. */
import { computed, signal } from "@preact/signals";
import type { World } from "../../src/gen/runnermock/v1/control_pb.ts";
import { control } from "./control.ts";

export const defaultWorld = "default";

export const world = signal(new URL(location.href).searchParams.get("world") || defaultWorld);

export const worlds = signal<readonly World[]>([]);

/** The base URL of the world's API, once it is known. */
export const apiUrl = computed(() => worlds.value.find(({ name }) => name === world.value)?.url ?? "");

export function switchTo(name: string): void {
  const url = new URL(location.href);
  if (name === defaultWorld) url.searchParams.delete("world");
  else url.searchParams.set("world", name);
  history.replaceState(null, "", url);
  world.value = name;
}

export async function readWorlds(signal: AbortSignal): Promise<void> {
  const found: World[] = [];
  for (let token = ""; ; ) {
    const page = await control.listWorlds({ pagination: { pageSize: 100, token } }, { signal });
    found.push(...page.worlds);
    token = page.pagination?.nextToken ?? "";
    if (token === "") break;
  }
  worlds.value = found;
}
