/**
 * The headers of a request in Node's form, looked up as `Headers` have them. Real ones are made only for whoever does
 * more than look up: to make them takes longer than all that is looked up of a common call, and to load what makes them
 * a tenth of the start.
 */
import type { IncomingHttpHeaders } from "node:http";

export class RequestHeaders implements Headers {
  readonly #raw: IncomingHttpHeaders;
  #made: Headers | undefined;

  constructor(raw: IncomingHttpHeaders) {
    this.#raw = raw;
  }

  get(name: string): string | null {
    if (this.#made) return this.#made.get(name);
    const value = this.#raw[name.toLowerCase()];
    return Array.isArray(value) ? value.join(", ") : (value ?? null);
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  getSetCookie() {
    return this.#all.getSetCookie();
  }

  append(name: string, value: string) {
    this.#all.append(name, value);
  }

  set(name: string, value: string) {
    this.#all.set(name, value);
  }

  delete(name: string) {
    this.#all.delete(name);
  }

  forEach(...args: Parameters<Headers["forEach"]>) {
    this.#all.forEach(...args);
  }

  entries() {
    return this.#all.entries();
  }

  keys() {
    return this.#all.keys();
  }

  values() {
    return this.#all.values();
  }

  [Symbol.iterator]() {
    return this.#all[Symbol.iterator]();
  }

  get #all(): Headers {
    if (this.#made) return this.#made;
    this.#made = new Headers();
    for (const [name, value] of Object.entries(this.#raw)) {
      // HTTP/2 has some that are none.
      if (name.startsWith(":") || value === undefined) continue;
      for (const each of Array.isArray(value) ? value : [value]) this.#made.append(name, each);
    }
    return this.#made;
  }
}
