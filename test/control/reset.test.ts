/** Reset lets a world go without looking at what is in it, however much that is. */
import { expect, test } from "vitest";
import { readOwnState } from "../../src/documents.ts";
import { LocalWorlds } from "../../src/local-worlds.ts";
import { World } from "../../src/world.ts";
import { countingRandom, stillTime } from "../support/mock.ts";
import { worldSettings } from "../support/parts.ts";

test("Reset of a world with 100,000 runners visits none of them: all that it asks of the world is to close", async () => {
  const settings = await worldSettings();
  const asked: PropertyKey[] = [];
  const open = async (name: string) => {
    const world = await World.open(name, settings, stillTime, countingRandom());
    return new Proxy(world, {
      get(target, property) {
        asked.push(property);
        const value = Reflect.get(target, property, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
  const worlds = new LocalWorlds({ open, host: stillTime, maxWorlds: 10, idleMs: 1_000 });
  const world = await worlds.create("full", {});
  const runners = Array.from({ length: 100_000 }, (_, index) => ({
    name: `Runner ${index}`,
    provider: "RUNNER_PROVIDER_GCP" as const,
  }));
  await world.state.add(await readOwnState({ runners }));
  const scheduled = world.clock;
  asked.length = 0;

  const fresh = await worlds.reset("full");
  // `then` is asked of whatever is awaited.
  expect(asked.filter((property) => property !== "then")).toEqual(["close"]);
  expect(fresh.clock).not.toBe(scheduled);
  worlds.close();
}, 60_000);
