/** ListAuditLogs: the feed afterwards, with who did what and when. */
import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { errors } from "../errors.ts";
import {
  AuditLogEntryKind,
  type ListAuditLogsRequest,
  type ListAuditLogsRequest_Filter,
  type ListAuditLogsResponse_AuditLogEntry,
  ListAuditLogsResponse_AuditLogEntrySchema,
  ResourceOperation,
} from "../gen/gitpod/v1/event_pb.ts";
import { Principal } from "../gen/gitpod/v1/identity_pb.ts";
import { SortOrder } from "../gen/gitpod/v1/pagination_pb.ts";
import { canonical } from "../ids.ts";
import type { Switches } from "../profiles.ts";
import type { Feed, FeedEntry } from "../store/feed.ts";
import { anyOf } from "./any-of.ts";
import type { Caller } from "./caller.ts";
import { cursorOf, filtered, pageOf } from "./pagination.ts";

/** The tier that has audit logs in the live service (LIVE). */
const enterprise = "enterprise";

const sortFields = ["", "created_at", "createdAt"];

export class AuditLog {
  readonly #feed: Feed;
  readonly #switches: Pick<Switches, "auditLogs">;

  constructor(feed: Feed, switches: Pick<Switches, "auditLogs">) {
    this.#feed = feed;
    this.#switches = switches;
  }

  /** A page of the organization's entries, the newest first unless the request says otherwise. */
  async list({ filter, sort, pagination: page }: ListAuditLogsRequest, { organization }: Caller) {
    if (this.#switches.auditLogs === "enterprise-only" && organization.tier !== enterprise) {
      throw errors.enterpriseOnly();
    }
    const { field = "", order = SortOrder.UNSPECIFIED } = sort ?? {};
    if (!sortFields.includes(field)) throw errors.invalidSort({ field });
    const newestFirst = order !== SortOrder.ASC;
    const matches = matcherOf(filter);
    const { items, pagination } = await pageOf(cursorOf(page), (cursor) =>
      filtered(
        cursor,
        (batch) => this.#feed.list({ ...batch, newestFirst }),
        (entry) => entry.organizationId === organization.id && matches(entry),
      ),
    );
    return { entries: items.map(entryOf), pagination };
  }
}

function entryOf(entry: FeedEntry): ListAuditLogsResponse_AuditLogEntry {
  return create(ListAuditLogsResponse_AuditLogEntrySchema, {
    id: entry.id,
    actorId: entry.actor?.id ?? "",
    actorPrincipal: entry.actor?.principal ?? Principal.UNSPECIFIED,
    subjectId: entry.resourceId,
    subjectType: entry.resourceType,
    action: ResourceOperation[entry.operation].toLowerCase(),
    createdAt: timestampFromMs(entry.atMs),
    kind: AuditLogEntryKind.RESOURCE_CHANGE,
  });
}

/** What all lists of the filter accept, in its span of time. */
function matcherOf(filter: ListAuditLogsRequest_Filter | undefined): (entry: FeedEntry) => boolean {
  if (filter === undefined) return () => true;
  const isActor = anyOf(filter.actorIds.map(canonical));
  const isPrincipal = anyOf(filter.actorPrincipals);
  const isSubject = anyOf(filter.subjectIds.map(canonical));
  const isType = anyOf(filter.subjectTypes);
  const fromMs = firstMsFrom(filter.from) ?? Number.NEGATIVE_INFINITY;
  const toMs = firstMsFrom(filter.to) ?? Number.POSITIVE_INFINITY;
  return ({ actor, resourceId, resourceType, atMs }) =>
    isActor(actor?.id ?? "") &&
    isPrincipal(actor?.principal ?? Principal.UNSPECIFIED) &&
    isSubject(resourceId) &&
    isType(resourceType) &&
    atMs >= fromMs &&
    atMs < toMs;
}

/** The first millisecond that is not before the moment: entries have no finer time. */
function firstMsFrom(moment: Timestamp | undefined): number | undefined {
  return moment && Number(moment.seconds) * 1_000 + Math.ceil(moment.nanos / 1_000_000);
}
