/**
 * The connection to an engine that speaks Redis' protocol, alone or a cluster. Nothing waits for one that is not there:
 * what cannot be asked, or is not answered in time, fails with `unavailable`, and is not asked again. The connection
 * itself comes back on its own.
 */
import { createClient, createCluster, ErrorReply, RESP_TYPES, RedisClient } from "@redis/client";
import { errors } from "../../errors.ts";
import type { Readiness } from "../../readiness.ts";
import type { Script } from "./scripts.ts";

/** What makes an engine unfit, told when the mock starts. */
export class StoreError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "StoreError";
  }
}

/** Redis 7, or what calls itself compatible with it, such as Valkey. */
const oldestMajor = 7;

/** An engine that says nothing for so long is taken for gone: what it was asked then fails. Less, and busy ones would be. */
const silenceMs = 10_000;
const pingMs = 1_000;
/** From one try to connect to the next. */
const retryMs = 200;

const replies = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } };

type Argument = string | Buffer;
type Heard = () => void;

/** What a client and a cluster have in common, for us. */
interface Link {
  send(key: string, args: readonly Argument[]): Promise<unknown>;
  subscribe(channel: string, heard: Heard): Promise<unknown>;
  unsubscribe(channel: string, heard: Heard): Promise<unknown>;
  readonly isReady: boolean;
  close(): void;
}

export class Connection implements Readiness {
  readonly #link: Link;
  readonly #listeners = new Set<() => void>();
  #isReady = true;

  private constructor(open: (changed: () => void) => Link) {
    this.#link = open(() => this.#changed());
  }

  /** @throws StoreError where there is no engine, or one that does not do */
  static async open(url: string): Promise<Connection> {
    const isCluster = await examined(url);
    const opened: Promise<unknown>[] = [];
    const connection = new Connection((changed) => {
      const { link, ready } = isCluster ? clusterLink(url, changed) : clientLink(url, changed);
      opened.push(ready);
      return link;
    });
    await Promise.all(opened).catch((error) => {
      throw unreachable(url, error);
    });
    return connection;
  }

  /** Whether the engine is there, as far as is known. */
  get isReady(): boolean {
    return this.#isReady;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Runs a script on keys that begin with `key`.
   *
   * @throws unavailable: the engine is not there or did not answer, or the space of the key is no more
   */
  async run(script: Script, key: string, args: readonly (Argument | number)[]): Promise<unknown> {
    const rest = ["1", key, ...args.map((arg) => (typeof arg === "number" ? String(arg) : arg))];
    try {
      return await this.#link.send(key, ["EVALSHA", script.sha1, ...rest]);
    } catch (error) {
      // It does nothing then.
      if (!isReply(error, "NOSCRIPT")) throw failureOf(error);
    }
    return this.ask(key, "EVAL", script.text, ...rest);
  }

  /** @param key one that the command is about: in a cluster it says which node is asked @throws unavailable */
  async ask(key: string, ...command: readonly Argument[]): Promise<unknown> {
    try {
      return await this.#link.send(key, command);
    } catch (error) {
      throw failureOf(error);
    }
  }

  /** Hears what is published there from now on, as far as the connection lasts. The function returned ends that. */
  async subscribe(channel: string, heard: Heard): Promise<() => void> {
    await this.#link.subscribe(channel, heard);
    return () => {
      this.#link.unsubscribe(channel, heard).catch(() => {});
    };
  }

  close(): void {
    this.#listeners.clear();
    this.#link.close();
  }

  #changed(): void {
    const { isReady } = this.#link;
    if (isReady === this.#isReady) return;
    this.#isReady = isReady;
    for (const listener of this.#listeners) listener();
  }
}

/** Each connection's own. The engine's place and what opens it are the URL's. */
function optionsOf(url: string) {
  const { username, password, database, socket } = RedisClient.parseURL(url);
  return {
    name: "gitpod-runner-mock",
    disableOfflineQueue: true,
    pingInterval: pingMs,
    // A command that waits for its turn waits for a busy engine; silence is told by the socket, without a timer for each.
    commandOptions: { timeout: 0 },
    maintNotifications: "disabled",
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(database !== undefined && { database }),
    socket: {
      ...socket,
      connectTimeout: silenceMs,
      socketTimeout: silenceMs,
      reconnectStrategy: () => retryMs,
    },
  } as const;
}

function clientLink(url: string, changed: () => void): { link: Link; ready: Promise<unknown> } {
  const client = createClient(optionsOf(url));
  for (const event of ["ready", "error", "end", "reconnecting"]) client.on(event, changed);
  const link: Link = {
    send: (_key, args) => client.sendCommand([...args], replies),
    subscribe: (channel, heard) => client.subscribe(channel, heard),
    unsubscribe: (channel, heard) => client.unsubscribe(channel, heard),
    get isReady() {
      return client.isReady;
    },
    close: () => client.destroy(),
  };
  return { link, ready: client.connect() };
}

function clusterLink(url: string, changed: () => void): { link: Link; ready: Promise<unknown> } {
  const defaults = optionsOf(url);
  const cluster = createCluster({ rootNodes: [{ url }], defaults });
  let isReady = true;
  const turned = (ready: boolean) => () => {
    isReady = ready;
    changed();
  };
  cluster.on("node-ready", turned(true)).on("connect", turned(true));
  cluster.on("node-error", turned(false)).on("node-disconnect", turned(false)).on("error", turned(false));
  const link: Link = {
    send: (key, args) => cluster.sendCommand(key, false, [...args], replies),
    subscribe: (channel, heard) => cluster.subscribe(channel, heard),
    unsubscribe: (channel, heard) => cluster.unsubscribe(channel, heard),
    get isReady() {
      return isReady;
    },
    close: () => cluster.destroy(),
  };
  return { link, ready: cluster.connect() };
}

/** Whether the engine is part of a cluster. @throws StoreError where it is not there or too old */
async function examined(url: string): Promise<boolean> {
  const options = optionsOf(url);
  const client = createClient({ ...options, socket: { ...options.socket, reconnectStrategy: false } });
  client.on("error", () => {});
  try {
    await client.connect();
    const info = await client.info();
    const version = /^redis_version:(\d+)(\S*)/m.exec(info);
    const major = Number(version?.[1]);
    if (!(major >= oldestMajor)) {
      const found = version ? `${version[1]}${version[2]}` : "unknown";
      throw new StoreError(
        `the store at ${placeOf(url)} has version ${found}: it takes Redis ${oldestMajor}, Valkey, or newer`,
      );
    }
    return /^cluster_enabled:1/m.test(info);
  } catch (error) {
    throw error instanceof StoreError ? error : unreachable(url, error);
  } finally {
    if (client.isOpen) client.destroy();
  }
}

function unreachable(url: string, error: unknown): StoreError {
  const reason = error instanceof AggregateError ? error.errors[0] : error;
  return new StoreError(`the store at ${placeOf(url)} cannot be used: ${(reason as Error).message}`);
}

/** Where an engine is, without what opens it. */
function placeOf(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

function isReply(error: unknown, code: string): boolean {
  return error instanceof ErrorReply && error.message.startsWith(code);
}

function failureOf(error: unknown): Error {
  if (isReply(error, "GONE")) return errors.worldGone();
  return errors.storeUnavailable({ cause: error });
}
