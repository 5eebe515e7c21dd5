/** Documents as they are written into the engine, and events. */
import { create, type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { SubjectSchema } from "../../gen/gitpod/v1/identity_pb.ts";
import type { FeedEntry, ResourceEvent } from "../feed.ts";
import type { Actor, CollectionRules } from "../store.ts";
import type { Seal } from "./seal.ts";

type Messages = NonNullable<CollectionRules<object>["messages"]>;

/** Writes values of a collection down, closed under the store's key, and reads them again. */
export class Codec<T> {
  readonly #messages: readonly (readonly [string, DescMessage])[];
  readonly #place: string;
  readonly #seal: Seal;

  /** @param place of the collection */
  constructor(place: string, messages: CollectionRules<T>["messages"], seal: Seal) {
    this.#place = place;
    this.#messages = Object.entries((messages ?? {}) as Messages);
    this.#seal = seal;
  }

  write(id: string, value: T): Buffer {
    const fields = { ...value } as Record<string, unknown>;
    for (const [field, desc] of this.#messages) {
      const message = fields[field] as Message | undefined;
      if (message !== undefined) fields[field] = Buffer.from(toBinary(desc, message)).toString("base64");
    }
    const written = this.#messages.length > 0 ? fields : value;
    return this.#seal.close(JSON.stringify(written), `${this.#place}/${id}`);
  }

  read(id: string, written: Buffer): T {
    const value = JSON.parse(this.#seal.open(written, `${this.#place}/${id}`));
    for (const [field, desc] of this.#messages) {
      const message = value[field];
      if (message !== undefined) value[field] = fromBinary(desc, Buffer.from(message, "base64"));
    }
    return value;
  }
}

export const writtenEvent = (event: ResourceEvent | undefined) => (event ? JSON.stringify(event) : "");

export const writtenActor = (actor: Actor) =>
  actor ? JSON.stringify({ id: actor.id, principal: actor.principal }) : "";

export function readEvent(event: string): ResourceEvent {
  return JSON.parse(event);
}

export function readActor(actor: string): FeedEntry["actor"] {
  return actor === "" ? undefined : create(SubjectSchema, JSON.parse(actor));
}
