/**
 * Names that no two documents may have at once. Whoever wants to bring one into being claims its name first: of many
 * exactly one gets it. A name goes with the document that has it, and is hidden with it.
 */
import type { Collection, Store } from "../store/store.ts";

/** A name in parts, from the general to the particular. */
export type Name = readonly string[];

interface Claim {
  /** Id of the document that has the name, or is about to. */
  readonly holderId: string;
  /** Whether the document is there: the name belongs to it then. */
  readonly kept: boolean;
}

export class Claims {
  readonly #claims: Collection<Claim>;

  /** @param kind what has the names, a word of its own for each */
  constructor(store: Store, kind: string) {
    this.#claims = store.collection(`${kind}-names`);
  }

  /**
   * Reserves the name for a document that is about to be there.
   *
   * @param isOver whether one that is there has lost its right to the name; default: none has
   * @returns whether the name was free
   */
  async take(
    name: Name,
    holderId: string,
    isOver: (holderId: string) => Promise<boolean> = async () => false,
  ): Promise<boolean> {
    const claim = { id: keyOf(name), value: { holderId, kept: false } };
    for (;;) {
      const held = await this.#claims.get(claim.id);
      if (held !== undefined && !(held.value.kept && (await isOver(held.value.holderId)))) return false;
      if (await this.#claims.put(claim, { if: held === undefined ? "absent" : { unchanged: held } }))
        return true;
    }
  }

  /** From now on the name is taken for as long as the document is there. */
  async keep(name: Name, holderId: string): Promise<void> {
    const id = keyOf(name);
    const owned = await this.#claims.put({ id, value: { holderId, kept: true }, owner: holderId });
    if (!owned) await this.#claims.take(id);
  }

  /** Gives the name back: the document did not come to be. */
  async release(name: Name): Promise<void> {
    await this.#claims.take(keyOf(name));
  }

  /** The ids of those whose names begin with these parts, in the order of their names. */
  async under(parts: Name): Promise<string[]> {
    const key = keyOf(parts);
    // What follows "/" in ASCII is "0".
    const page = { after: `${key}/`, until: `${key}0`, limit: Number.POSITIVE_INFINITY };
    return (await this.#claims.list(page)).map(({ value }) => value.holderId);
  }
}

/** No part has a slash in it then. */
const keyOf = (name: Name) =>
  name.map((part) => part.replaceAll("%", "%25").replaceAll("/", "%2F")).join("/");
