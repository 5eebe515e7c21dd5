/**
 * The change feed of a store: everything that happened to the documents that others may hear of, in the order in
 * which it happened. It is written with the change itself and never on its own.
 */
import type { ResourceOperation, ResourceType } from "../gen/gitpod/v1/event_pb.ts";
import type { Subject } from "../gen/gitpod/v1/identity_pb.ts";

/** What a change of a document means to others. */
export interface ResourceEvent {
  readonly operation: ResourceOperation;
  readonly resourceType: ResourceType;
  /** UUID of the resource. */
  readonly resourceId: string;
  /** UUID of whoever made the resource. */
  readonly creatorId: string;
  /** UUID of the organization that may hear of it. */
  readonly organizationId: string;
}

/** An event that has happened. */
export interface FeedEntry extends ResourceEvent {
  /** UUID, greater than that of the entry before. */
  readonly id: string;
  readonly atMs: number;
  /** Who did it; undefined: nobody, it was time. */
  readonly actor: Subject | undefined;
}

/** Where a page of entries begins, which way it goes, and how many fit on it. */
export interface FeedPage {
  readonly after?: string | undefined;
  readonly limit: number;
  readonly newestFirst: boolean;
}

export interface Feed {
  /**
   * Hears every entry from now on, in order. The function returned ends that.
   *
   * @param lost hears why nothing more will come, should some have been lost or the store be gone
   */
  subscribe(hear: (entry: FeedEntry) => void, lost: (reason: Error) => void): () => void;
  /** The entries that are kept: the newest, up to the number that the store was told to keep. */
  list(page: FeedPage): Promise<FeedEntry[]>;
}
