/** Messages that say what to change: what is not set stays as it was. */
import type { Message } from "@bufbuild/protobuf";

type Set<T> = { [Name in Exclude<keyof T, keyof Message>]?: Exclude<T[Name], undefined> };

/** The fields of a message, or of an object like one, that are set. */
export function setFields<T extends object>(message: T): Set<T> {
  const { $typeName: _, $unknown: __, ...fields } = message as T & Partial<Message>;
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Set<T>;
}
