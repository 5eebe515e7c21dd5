/** WatchEvents: the feed as it happens, for those who may hear of it. */
import { create } from "@bufbuild/protobuf";
import { onAbort } from "../abort.ts";
import { endedBy, errors } from "../errors.ts";
import {
  ResourceOperation,
  ResourceType,
  type WatchEventsRequest,
  type WatchEventsRequest_ResourceTypeFilter,
  type WatchEventsResponse,
  WatchEventsResponseSchema,
} from "../gen/gitpod/v1/event_pb.ts";
import { canonical } from "../ids.ts";
import type { Feed, FeedEntry } from "../store/feed.ts";
import { anyOf } from "./any-of.ts";
import { Backlog } from "./backlog.ts";
import type { Caller } from "./caller.ts";
import { type Cursor, filtered } from "./pagination.ts";

export class Watches {
  readonly #feed: Feed;
  readonly #maxBacklog: number;
  /** Whoever watches now, and by whom. */
  readonly #open = new Map<Backlog<WatchEventsResponse>, Caller>();

  /** @param maxBacklog how many events may wait for one watcher */
  constructor(feed: Feed, maxBacklog: number) {
    this.#feed = feed;
    this.#maxBacklog = maxBacklog;
  }

  /** The events from this moment on, until `signal` aborts. */
  watch(
    request: WatchEventsRequest,
    caller: Caller,
    signal: AbortSignal,
  ): AsyncIterable<WatchEventsResponse> {
    const limit = this.#maxBacklog;
    const backlog = new Backlog<WatchEventsResponse>(limit, () => errors.watcherFellBehind({ limit }));
    const accepts = acceptedBy(request, caller);
    const unsubscribe = this.#feed.subscribe(
      (entry) => {
        if (accepts(entry)) backlog.push(responseOf(entry));
        if (backlog.ended) unsubscribe();
      },
      (reason) => backlog.end(reason),
    );
    this.#open.set(backlog, caller);
    const stop = () => {
      unsubscribe();
      this.#open.delete(backlog);
      backlog.end(endedBy(signal));
    };
    onAbort(signal, stop);
    return backlog;
  }

  /** The newest of the events that have happened, as the watch would have been sent them. */
  async before(request: WatchEventsRequest, caller: Caller, last: number): Promise<WatchEventsResponse[]> {
    if (last < 1) return [];
    const newest = (page: Cursor) => this.#feed.list({ ...page, newestFirst: true });
    const entries = await filtered({ limit: last }, newest, acceptedBy(request, caller));
    return entries.reverse().map(responseOf);
  }

  /** Sends an event that never happened to those who watch now. @returns how many they are */
  feed(event: WatchEventsResponse, accepts: (caller: Caller) => boolean): number {
    const fed = [...this.#open].filter(([, caller]) => accepts(caller));
    for (const [backlog] of fed) backlog.push(event);
    return fed.length;
  }

  /** Ends every watch that is open. */
  close(reason: Error): void {
    for (const backlog of this.#open.keys()) backlog.end(reason);
  }
}

function responseOf({ operation, resourceType, resourceId }: FeedEntry): WatchEventsResponse {
  return create(WatchEventsResponseSchema, { operation, resourceType, resourceId });
}

type Accepts = (entry: FeedEntry) => boolean;

function acceptedBy({ scope, resourceTypeFilters }: WatchEventsRequest, caller: Caller): Accepts {
  // There are no environments here, so nothing ever happens to one.
  if (scope.case === "environmentId") return () => false;
  const filters = resourceTypeFilters.map(acceptedByFilter);
  return (entry) =>
    entry.organizationId === caller.organization.id &&
    (caller.runnerId === undefined || concerns(entry, caller.runnerId)) &&
    (filters.length === 0 || filters.some((accepts) => accepts(entry)));
}

/** A runner hears of itself alone. */
function concerns({ resourceType, resourceId }: FeedEntry, runnerId: string): boolean {
  return resourceType === ResourceType.RUNNER && resourceId === runnerId;
}

function acceptedByFilter(filter: WatchEventsRequest_ResourceTypeFilter): Accepts {
  const isResource = anyOf(filter.resourceIds.map(canonical));
  const isCreator = anyOf(filter.creatorIds.map(canonical));
  return ({ resourceType, resourceId, creatorId, operation }) =>
    resourceType === filter.resourceType &&
    isResource(resourceId) &&
    // DOC: not applied to DELETE.
    (isCreator(creatorId) || operation === ResourceOperation.DELETE);
}
