/**
 * What was called in a world, and what came of it: the newest calls, bounded in number and in bytes. Messages are
 * kept as they are, which costs nothing, and written down when somebody looks, without their secrets.
 */
import type { DescMethod, Message } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { onAbort } from "../abort.ts";
import { endedBy, errors } from "../errors.ts";
import type { Subject } from "../gen/gitpod/v1/identity_pb.ts";
import { Backlog } from "./backlog.ts";
import type { Touch } from "./faults.ts";
import { type Cursor, filtered, pageOf } from "./pagination.ts";

/** How a call came. */
export type CallProtocol = "connect" | "grpc" | "grpc-web" | "jsonl";

/** What a call was carried by. */
export interface CallWire {
  /** `1.1` or `2`. */
  readonly httpVersion: string;
  readonly httpMethod: string;
  /** Of the request; for GET what its query says of the message. */
  readonly contentType: string;
}

/** A call; one that streams changes until it has ended. */
export interface CallRecord {
  /** In the order in which the log heard of them. */
  readonly id: string;
  readonly method: DescMethod;
  readonly protocol: CallProtocol;
  /** Absent where it came without HTTP. */
  readonly wire: CallWire | undefined;
  readonly userAgent: string;
  /** In the world's time: when it had ended, a stream when it had begun. */
  readonly atMs: number;
  readonly caller: Subject | undefined;
  /** The fault that it met, if any. */
  readonly faultId: string | undefined;
  /** What adversity did to it, if anything. */
  readonly adversity: Touch | undefined;
  /** Absent where it could not be read. */
  readonly request: Message | undefined;
  /** A unary call's; absent where it failed. */
  readonly reply: Message | undefined;
  /** How many messages a stream has sent. */
  messages: number;
  error: ConnectError | undefined;
  /** Absent while it is under way. */
  durationMs: number | undefined;
}

export type NewCall = Omit<CallRecord, "id">;

export interface CallLogLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** How many calls may wait for one reader. */
  readonly maxWatchBacklog: number;
}

interface Kept extends CallRecord {
  /** What it takes of the log's bytes. */
  readonly bytes: number;
}

type Matches = (record: CallRecord) => boolean;

/** What a watcher hears of beside the calls from now on. */
interface WatchScope {
  /** How many of the calls of before come first: the newest, within what may wait. Default: none. */
  readonly last?: number;
  /** Whether a stream comes once more when it has ended. Default: false. */
  readonly ends?: boolean;
}

interface Watcher {
  readonly matches: Matches;
  readonly ends: boolean;
  readonly backlog: Backlog<CallRecord>;
}

export class CallLog {
  readonly #limits: CallLogLimits;
  /** The oldest first, from `#start` on: what lies before it has been dropped. Their numbers follow one another. */
  #kept: (Kept | undefined)[] = [];
  #start = 0;
  readonly #watchers = new Set<Watcher>();
  #bytes = 0;
  #heard = 0;

  constructor(limits: CallLogLimits) {
    this.#limits = limits;
  }

  /** Takes note of a call: a unary one when it has ended, a stream when it has begun. */
  add(call: NewCall): CallRecord {
    const id = String(++this.#heard).padStart(15, "0");
    const bytes = overheadBytes + sizeOf(call.request) + sizeOf(call.reply);
    const record: Kept = { ...call, id, bytes };
    this.#kept.push(record);
    this.#bytes += bytes;
    this.#trim();
    for (const { matches, backlog } of this.#watchers) if (matches(record)) backlog.push(record);
    return record;
  }

  /** Takes note of how a stream has ended. */
  end(record: CallRecord, outcome: Pick<CallRecord, "error" | "durationMs">): void {
    Object.assign(record, outcome);
    for (const { matches, ends, backlog } of this.#watchers)
      if (ends && matches(record)) backlog.push(record);
  }

  /** A page of the calls that match, the oldest first. */
  list(cursor: Cursor, matches: Matches) {
    return pageOf(cursor, (page) => filtered(page, async (batch) => this.#after(batch), matches));
  }

  /** The calls that match from now on, until the signal aborts; a reader that falls behind is ended. */
  watch(
    matches: Matches,
    signal: AbortSignal,
    { last = 0, ends = false }: WatchScope = {},
  ): Backlog<CallRecord> {
    const limit = this.#limits.maxWatchBacklog;
    const backlog = new Backlog<CallRecord>(limit, () => errors.watcherFellBehind({ limit }));
    const earlier = last > 0 ? this.matching(matches).slice(-Math.min(last, limit)) : [];
    for (const record of earlier) backlog.push(record);
    const watcher = { backlog, matches, ends };
    this.#watchers.add(watcher);
    const stop = () => {
      this.#watchers.delete(watcher);
      backlog.end(endedBy(signal));
    };
    onAbort(signal, stop);
    return backlog;
  }

  /**
   * Resolves with the calls that match, once there are `count` of them, counting those that there were before.
   *
   * @throws why the signal was aborted, if it was before that
   */
  async waitFor(matches: Matches, count: number, signal: AbortSignal): Promise<CallRecord[]> {
    const found = this.matching(matches);
    const done = new AbortController();
    const more = this.watch(matches, AbortSignal.any([signal, done.signal]));
    try {
      while (found.length < count) found.push((await more.next()).value as CallRecord);
      return found;
    } finally {
      done.abort();
    }
  }

  /** The kept calls that match, the oldest first. */
  matching(matches: Matches): CallRecord[] {
    return this.#kept.flatMap((kept) => (kept && matches(kept) ? [kept] : []));
  }

  /** Ends everybody who watches. */
  close(reason: Error): void {
    for (const { backlog } of this.#watchers) backlog.end(reason);
  }

  clear(): void {
    this.#kept = [];
    this.#start = 0;
    this.#bytes = 0;
  }

  #after({ after, limit }: Cursor): Kept[] {
    const oldest = this.#heard - (this.#kept.length - this.#start) + 1;
    const from = after === undefined ? 0 : Math.max(0, Number(after) + 1 - oldest);
    const page = this.#kept.slice(this.#start + from, this.#start + from + limit);
    return page.filter((kept) => kept !== undefined);
  }

  /** Drops the oldest; their places are given back all at once, now and then. */
  #trim(): void {
    const { maxEntries, maxBytes } = this.#limits;
    while (this.#kept.length - this.#start > maxEntries || this.#bytes > maxBytes) {
      const dropped = this.#kept[this.#start];
      if (dropped === undefined) break;
      this.#kept[this.#start++] = undefined;
      this.#bytes -= dropped.bytes;
    }
    if (this.#start <= this.#kept.length / 2) return;
    this.#kept = this.#kept.slice(this.#start);
    this.#start = 0;
  }
}

/** What a record takes besides its messages, about. */
const overheadBytes = 400;

/** About how much memory a value takes. Messages share parts, so it is rather too much than too little. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length + 16;
  if (typeof value !== "object" || value === null) return 8;
  if (ArrayBuffer.isView(value)) return value.byteLength + 64;
  let bytes = 32;
  for (const name in value) bytes += sizeOf((value as Record<string, unknown>)[name]);
  return bytes;
}
