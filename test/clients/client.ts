/**
 * A client that others wrote, as the stories use it: it calls, it pages, it watches, and says what came of it in the
 * JSON of the schema. Each kind of client has a folder, whose `client.ts` makes one of it.
 */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [name: string]: Json };

/** `RunnerService/CreateRunner`. */
export type RpcName = `${string}Service/${string}`;

export type Outcome =
  | { readonly reply: JsonObject }
  | { readonly error: { readonly code: string; readonly message: string } };

/** How calls are carried, as the ledger of what is proven calls it. */
export type Wire =
  | `Connect ${"JSON" | "binary" | "JSON with GET" | "binary with GET"}, HTTP/${"1.1" | "2"}`
  | `${"gRPC" | "gRPC-Web" | "JSON Lines"}, HTTP/${"1.1" | "2"}`;

export interface ClientKind {
  /** As the ledger calls it, with its version. */
  readonly name: string;
  /** How it is set up, if it is told of in more than one way. */
  readonly setting?: string;
  /** What it calls itself. */
  readonly userAgent: RegExp;
  /** All that it is expected to speak. */
  readonly speaks: readonly Wire[];
  /** Why it cannot run here; undefined: it can. */
  readonly missing: string | undefined;
  /** What it has no way to do, by RPC or by the title of a story, and why. */
  readonly lacks?: Readonly<Record<string, string>>;
  /** How often it calls before it gives up on an error that it retries, by the error's code; default: once. */
  readonly attempts?: Readonly<Record<string, number>>;
  /** @param url the base URL of a world, without `/api` */
  open(url: string): Promise<Session>;
  /** Ends what its sessions have in common. */
  end?(): Promise<void>;
}

/** Like a user of the client, who has set it up for one base URL. */
export interface Session {
  /** @param bearer what the call bears; the session's own user by default */
  call(rpc: RpcName, request: JsonObject, bearer?: string): Promise<Outcome>;
  /**
   * All that a list has, paged by the client itself. Absent: the client has no such thing, and its users call page
   * by page.
   */
  list?(rpc: RpcName, request: JsonObject): Promise<readonly JsonObject[]>;
  /** Resolves once the request is on its way. */
  watch(request: JsonObject): Promise<Watch>;
  close(): Promise<void>;
}

export interface Watch {
  /** The next so many messages. */
  next(count: number): Promise<readonly JsonObject[]>;
  /** Leaves the stream. */
  end(): Promise<void>;
}

/** What every session's user bears, a text with spaces as the official suites have it. */
export const userBearer = "My Bearer Token";
