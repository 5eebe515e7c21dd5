/**
 * Pages: at most 100 items, 25 unless asked otherwise (DOC), continued by an opaque token that names the last
 * item of the page before, so that inserts and deletes in between neither repeat nor skip what stays.
 */
import { create } from "@bufbuild/protobuf";
import { invalidPageToken } from "../errors.ts";
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
  const { token = "", pageSize = 0 } = pagination ?? {};
  // Out of range it gets here only with validation off.
  const limit = pageSize > 0 ? Math.min(pageSize, maxPageSize) : defaultPageSize;
  return { after: token === "" ? undefined : decodeToken(token), limit };
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

/** The id of a page's last item, with a check that tells our tokens from any other text. */
function encodeToken(id: string): string {
  return Buffer.from(`${checkOf(id)}${id}`).toString("base64url");
}

function decodeToken(token: string): string {
  const id = Buffer.from(token, "base64url").toString().slice(checkLength);
  if (encodeToken(id) !== token) throw invalidPageToken(token);
  return id;
}

const checkLength = 8;

function checkOf(id: string): string {
  return digest(`after ${id}`).slice(0, checkLength);
}
