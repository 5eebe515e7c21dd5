/** The kinds of values that options take: how one is read and written, and how `--help` and errors speak of it. */
import { adversityKinds, isLevel, kindsNamed, maxSeed } from "./domain/adversity/kind.ts";
import { durationMs } from "./duration.ts";

export interface OptionRow<T = unknown> {
  /** What it does, as `--help` says it. */
  readonly does: string;
  /** Its default on the command line, as one would write it; absent: none. */
  readonly default?: string;
  /** What stands for the value in `--help`. */
  readonly placeholder: string;
  /** What the flag stands for on its own. Default: it needs a value. */
  readonly alone?: string;
  /** What it takes, in the words of an error. */
  readonly takes: string;
  /** The value, from a text or from a value of the option's type; undefined where it is neither. */
  readonly read: (value: unknown) => T | undefined;
  /** The text that flags and variables take for a value of the option's type. Default: String. */
  readonly write?: (value: unknown) => string;
  /** Whether the flag can be given more than once. */
  readonly repeatable?: boolean;
  /** Whether no error may show a value. */
  readonly secret?: boolean;
}

export const text = (placeholder: string, takes: string, isValid: (value: string) => boolean) => ({
  placeholder,
  takes,
  read: (value: unknown) => (typeof value === "string" && isValid(value) ? value : undefined),
});

export const httpUrl = text(
  "url",
  "an http or https URL without query and fragment",
  (value) => URL.canParse(value) && /^https?:[^?#]*$/.test(value),
);

export const wholeNumber = (placeholder: string, min: number, max: number) => ({
  placeholder,
  takes: `a whole number from ${min} to ${max}`,
  read: (value: unknown) => {
    const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
    return Number.isInteger(number) && Number(number) >= min && Number(number) <= max
      ? Number(number)
      : undefined;
  },
});

export const port = wholeNumber("number", 0, 65_535);

/** A port, or none at all. */
export const portOrOff = {
  placeholder: "number",
  takes: 'a whole number from 0 to 65535, or "off"',
  read: (value: unknown) => (value === "off" ? ("off" as const) : port.read(value)),
};

export const choice = <const T extends string>(placeholder: string, values: readonly T[]) => ({
  placeholder,
  takes: `one of ${values.join(", ")}`,
  read: (value: unknown) => values.find((candidate) => candidate === value),
});

export const duration = {
  placeholder: "duration",
  takes: 'a duration such as "500ms", "30s" or "24h"',
  read: (value: unknown) => {
    try {
      return typeof value === "string" || typeof value === "number" ? durationMs(value) : undefined;
    } catch {
      return undefined;
    }
  },
  write: (value: unknown) => (typeof value === "number" ? `${value}ms` : String(value)),
};

export const positiveDuration = {
  ...duration,
  takes: 'a duration longer than 0 such as "500ms", "30s" or "24h"',
  read: (value: unknown) => duration.read(value) || undefined,
};

export const durationOrOff = {
  ...duration,
  takes: `${positiveDuration.takes}, or "off"`,
  read: (value: unknown) => (value === "off" ? ("off" as const) : positiveDuration.read(value)),
};

/** A number to draw everything from, `on` for one that is drawn itself, or `off`. */
export const seedOrOff = {
  placeholder: "seed",
  alone: "on",
  takes: `a whole number from 0 to ${maxSeed}, "on" to have one drawn, or "off"`,
  read: (value: unknown) =>
    value === "on" || value === "off" ? (value as "on" | "off") : wholeNumber("seed", 0, maxSeed).read(value),
};

export const level = {
  placeholder: "number",
  takes: "a number above 0 and up to 1",
  read: (value: unknown) => {
    const number = typeof value === "string" && /^\d*\.?\d+$/.test(value) ? Number(value) : value;
    return typeof number === "number" && isLevel(number) ? number : undefined;
  },
};

/** One or more of them; as a text, separated by commas. */
export const adversityKindList = {
  placeholder: "kinds",
  takes: `some of ${adversityKinds.join(", ")}, separated by commas`,
  repeatable: true,
  read: (value: unknown) => {
    const names = typeof value === "string" ? value.split(",").map((name) => name.trim()) : value;
    return Array.isArray(names) ? kindsNamed(names) : undefined;
  },
};

/** A path, or in process also what the file would hold; it is read when the mock starts. */
export const document = (kind: string) => ({
  placeholder: "file",
  takes: `the path of ${kind}, in YAML or JSON`,
  read: (value: unknown) => {
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject || (typeof value === "string" && value !== "") ? (value as string | object) : undefined;
  },
});

/** A path, or in process also the PEM itself; it is read when the mock starts. */
export const pem = (kind: string) => ({
  placeholder: "file",
  takes: `the path of ${kind} in PEM, or that PEM`,
  read: (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined),
});

export const secretText = {
  ...text("token", "a text that is not empty", (value) => /^\S(.*\S)?$/.test(value)),
  secret: true,
};

/** Its URL may have a password in it. */
export const store = {
  ...text(
    "url",
    'memory, or a URL such as "redis://user:password@host:6379/0", with rediss for TLS',
    (value) => value === "memory" || (/^rediss?:\/\/[^?#]+$/.test(value) && URL.canParse(value)),
  ),
  secret: true,
};

export const storeKey = {
  ...text("key", "a text of at least 16 characters", (value) => value.length >= 16),
  secret: true,
};

export const namedTokens = {
  placeholder: "name=value",
  takes: "NAME=VALUE, both not empty; several in one variable are separated by commas",
  repeatable: true,
  secret: true,
  read: (value: unknown) => {
    const entries = typeof value === "string" ? value.split(",").map(pairIn) : entriesOf(value);
    const valid = entries.every(([name, token]) => name && typeof token === "string" && token);
    return valid ? (Object.fromEntries(entries) as Record<string, string>) : undefined;
  },
  write: (value: unknown) => {
    if (typeof value === "string") return value;
    return entriesOf(value)
      .map(([name, token]) => `${name}=${token}`)
      .join(",");
  },
};

function pairIn(text: string): readonly unknown[] {
  return /^([^=]+)=(.+)$/.exec(text)?.slice(1) ?? [];
}

/** The entries of an object; of anything else one that is no pair. */
function entriesOf(value: unknown): readonly (readonly unknown[])[] {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [[]];
}
