import type { IncomingHttpHeaders } from "node:http";
import { describe, expect, test } from "vitest";
import { RequestHeaders } from "../../src/http/request-headers.ts";

const raw: IncomingHttpHeaders = {
  ":authority": "localhost:8080",
  host: "localhost:8080",
  "user-agent": "a client",
  "x-many": ["one", "two"] as never,
  "set-cookie": ["a=1", "b=2"],
  "x-empty": "",
};

/** What Headers make of the same. */
function real(): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(raw)) {
    for (const each of [value ?? []].flat()) if (!name.startsWith(":")) headers.append(name, each);
  }
  return headers;
}

const looks: readonly [string, (headers: Headers) => unknown][] = [
  ["one that there is", (headers) => [headers.get("user-agent"), headers.has("user-agent")]],
  ["one written otherwise", (headers) => [headers.get("User-Agent"), headers.has("USER-AGENT")]],
  ["one that there is not", (headers) => [headers.get("authorization"), headers.has("authorization")]],
  ["one of several values", (headers) => [headers.get("x-many"), headers.has("x-many")]],
  ["an empty one", (headers) => [headers.get("x-empty"), headers.has("x-empty")]],
  ["cookies", (headers) => headers.getSetCookie()],
  ["all of them", (headers) => [...headers]],
  ["their entries", (headers) => [...headers.entries()]],
  ["their names", (headers) => [...headers.keys()]],
  ["their values", (headers) => [...headers.values()]],
  [
    "each of them",
    (headers) => {
      const seen: string[] = [];
      headers.forEach((value, name) => {
        seen.push(`${name}: ${value}`);
      });
      return seen;
    },
  ],
  ["copied ones", (headers) => [...new Headers(headers)]],
];

const changes: readonly [string, (headers: Headers) => void][] = [
  ["as they came", () => {}],
  ["with one set", (headers) => headers.set("user-agent", "another")],
  ["with one more", (headers) => headers.append("x-many", "three")],
  ["with one taken away", (headers) => headers.delete("user-agent")],
];

describe.each(changes)("the headers of a request, %s, are what Headers would be:", (_, change) => {
  test.each(looks)("%s", (_, look) => {
    const [ours, theirs] = [new RequestHeaders(raw), real()];
    change(ours);
    change(theirs);
    expect(look(ours)).toEqual(look(theirs));
  });
});
