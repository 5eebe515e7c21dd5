/** The worlds of a server, by name: those of one process (local-worlds.ts), or of all that share a store. */
import { errors } from "./errors.ts";
import type { State } from "./gen/runnermock/v1/state_pb.ts";
import type { Readiness } from "./readiness.ts";
import type { World, WorldSettings } from "./world.ts";

const namePattern = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** @throws invalid_argument for a name that no world can have */
export function checkName(name: string): void {
  if (!namePattern.test(name)) throw errors.invalidWorldName({ name });
}

/** What a world has of its own instead of the server's. */
export type WorldOverrides = Partial<Pick<WorldSettings, "switches" | "state">>;

/** A world, and how many calls are under way in it here. */
export interface BusyWorld {
  readonly world: World;
  readonly calls: number;
}

/**
 * A world comes into being on first use and goes when it has been idle for long; the default one stays. Their number is
 * bounded.
 */
export interface Worlds {
  /** Whether they can be reached. */
  readonly readiness: Readiness;
  /**
   * The world of that name, opened if there is none. It stays until as many calls have left as have entered,
   * and for some time after that.
   *
   * @throws invalid_argument for a name that is none, resource_exhausted where there are too many worlds
   */
  enter(name: string): Promise<World>;
  /** The same, if there is one, or will be in a moment. @throws invalid_argument for a name that is none */
  enterIfThere(name: string): Promise<World | undefined>;
  leave(world: World): void;
  /** The world of that name, as it is now. @throws not_found where there is none */
  get(name: string): Promise<World>;
  /** The world of that name as this process knows it. @throws not_found where it knows none */
  known(name: string): World;
  /** The same, if there is one; asking for it is no use of it. */
  find(name: string): World | undefined;
  /** All that this process knows, in order of name. */
  all(): BusyWorld[];
  /** All that there are, in order of name. */
  list(): Promise<BusyWorld[]>;
  /** How many there are. */
  count(): Promise<number>;
  /** A new world. @throws already_exists, or as `enter` does */
  create(name: string, overrides: WorldOverrides): Promise<World>;
  /**
   * Puts a fresh world in the place of one; the old one is let go as it is.
   *
   * @param state what the fresh one knows; undefined: what any of its kind would
   * @throws not_found
   */
  reset(name: string, state?: State): Promise<World>;
  /** @throws not_found, invalid_argument for the default world */
  delete(name: string): Promise<void>;
  close(): void;
}
