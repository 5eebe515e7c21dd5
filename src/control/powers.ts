/**
 * What can be done to the worlds of a mock, in process, beyond what its API's clients can. The control service has
 * the same powers over the wire.
 */
import type { WorldClock } from "../clock.ts";
import type { Runners } from "../domain/runners.ts";
import type { Tokens } from "../domain/tokens.ts";
import { type Profile, profiles, type Switches, switchesOf } from "../profiles.ts";
import type { World } from "../world.ts";
import type { WorldOverrides, Worlds } from "../worlds.ts";

/** What can be done to one world: to the one that has the name now. After a reset that is another one. */
export interface WorldPowers {
  readonly name: string;
  /** The base URL of its API. */
  readonly url: string;
  readonly clock: Pick<WorldClock, "advance" | "freeze" | "resume" | "frozen" | "nowMs">;
  readonly runners: Pick<Runners, "report" | "renew" | "lapse">;
  readonly tokens: Pick<Tokens, "list" | "end">;
  /** Puts a fresh world in its place, with the same settings, in constant time. */
  reset(): Promise<void>;
}

/** How a world is made that is not as the server's others. */
export interface NewWorld {
  /** Default: the server's switches. */
  readonly profile?: Profile;
  /** On top of the profile. */
  readonly switches?: Partial<Switches>;
}

export interface WorldsPowers {
  /** @throws ConnectError not_found where there is none of that name */
  get(name: string): WorldPowers;
  create(name: string, options?: NewWorld): Promise<WorldPowers>;
  list(): WorldPowers[];
  delete(name: string): void;
}

/** @param urlOf the base URL of a world's API */
export function worldPowers(worlds: Worlds, urlOf: (world: World) => string, name: string): WorldPowers {
  const current = () => worlds.get(name);
  return {
    name,
    get url() {
      return urlOf(current());
    },
    get clock() {
      return current().clock;
    },
    get runners() {
      return current().runners;
    },
    get tokens() {
      return current().tokens;
    },
    async reset() {
      await worlds.reset(name);
    },
  };
}

export function worldsPowers(worlds: Worlds, urlOf: (world: World) => string): WorldsPowers {
  const powers = (name: string) => worldPowers(worlds, urlOf, name);
  return {
    get: (name) => powers(worlds.get(name).name),
    async create(name, options = {}) {
      await worlds.create(name, overridesOf(options));
      return powers(name);
    },
    list: () => worlds.list().map(({ world }) => powers(world.name)),
    delete: (name) => worlds.delete(name),
  };
}

function overridesOf({ profile, switches }: NewWorld): WorldOverrides {
  if (profile === undefined && switches === undefined) return {};
  return { switches: switchesOf(profile ?? profiles[0], switches) };
}
