/**
 * Pages: at most 100 items, 25 unless asked otherwise (DOC), continued by an opaque token that names the last
 * item of the page before, so that inserts and deletes in between neither repeat nor skip what stays.
 */
import { create } from "@bufbuild/protobuf";
import { errors } from "../errors.ts";
import {
  type PaginationRequest,
  type PaginationResponse,
  PaginationResponseSchema,
} from "../gen/gitpod/v1/pagination_pb.ts";
import { digest } from "./digest.ts";

const defaultPageSize = 25;
const maxPageSize = 100;

/** Where a page begins and how much fits on it. */
export interface Cursor {
  readonly after?: string | undefined;
  readonly limit: number;
}

/** @throws invalid_argument for a token that no page has ended with */
export function cursorOf(pagination: PaginationRequest | undefined): Cursor {
  const { token = "" } = pagination ?? {};
  return { after: token === "" ? undefined : decodeToken(token), limit: pageSizeOf(pagination) };
}

/** How much fits on a page. @param fallback where the request has another field for it, too */
export function pageSizeOf(pagination: PaginationRequest | undefined, fallback = 0): number {
  // Out of range it gets here only with validation off.
  const wanted = [pagination?.pageSize ?? 0, fallback].find((size) => size > 0);
  return Math.min(wanted ?? defaultPageSize, maxPageSize);
}

/**
 * One page: `list` is asked for one item more than fits, and whether it comes decides if there is another page.
 */
export async function pageOf<T extends { readonly id: string }>(
  cursor: Cursor,
  list: (cursor: Cursor) => Promise<T[]>,
): Promise<{ items: T[]; pagination: PaginationResponse }> {
  const items = await list({ ...cursor, limit: cursor.limit + 1 });
  const more = items.length > cursor.limit;
  if (more) items.length = cursor.limit;
  const last = items.at(-1);
  const nextToken = more && last ? encodeToken(last.id) : "";
  return { items, pagination: create(PaginationResponseSchema, { nextToken }) };
}

/** How many items are read at a time, at most, where a list has to be filtered. */
const maxBatch = 500;

/** Up to `limit` items that `matches` accepts, of a list that knows no filters itself. */
export async function filtered<T extends { readonly id: string }>(
  { after, limit }: Cursor,
  list: (cursor: Cursor) => Promise<T[]>,
  matches: (item: T) => boolean,
): Promise<T[]> {
  const found: T[] = [];
  let cursor = after;
  for (let batchSize = limit; ; batchSize = Math.min(batchSize * 2, maxBatch)) {
    const batch = await list({ after: cursor, limit: batchSize });
    for (const item of batch) {
      if (!matches(item)) continue;
      found.push(item);
      if (found.length === limit) return found;
    }
    if (batch.length < batchSize) return found;
    cursor = batch.at(-1)?.id;
  }
}

/** One page of a list that is all in memory, in ascending order of its ids. */
export function pageOfAll<T>(cursor: Cursor, items: readonly T[], idOf: (item: T) => string) {
  const list = async ({ after = "", limit }: Cursor) =>
    items
      .map((item) => ({ id: idOf(item), item }))
      .filter(({ id }) => id > after)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit);
  return pageOf(cursor, list);
}

/** The id of a page's last item, with a check that tells our tokens from any other text. */
function encodeToken(id: string): string {
  return Buffer.from(`${checkOf(id)}${id}`).toString("base64url");
}

function decodeToken(token: string): string {
  const id = Buffer.from(token, "base64url").toString().slice(checkLength);
  if (encodeToken(id) !== token) throw errors.invalidPageToken({ token });
  return id;
}

const checkLength = 8;

function checkOf(id: string): string {
  return digest(`after ${id}`).slice(0, checkLength);
}
