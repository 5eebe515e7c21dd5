/** Watching events as a test does: a watch that has begun when the test goes on, and what it hears, to be read. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CallOptions, Client } from "@connectrpc/connect";
import {
  EventService,
  ResourceOperation,
  ResourceType,
  type WatchEventsRequestSchema,
  type WatchEventsResponse,
} from "../../src/gen/gitpod/v1/event_pb.ts";
import { failureOf, type TestMock } from "./mock.ts";
import { type HasRunnerClient, register } from "./registrations.ts";

export type EventClient = Client<typeof EventService>;
export type WatchInit = MessageInitShape<typeof WatchEventsRequestSchema>;

export interface Watching {
  /** The headers of the response. */
  readonly header: Headers;
  /** How it ended, as `failureOf` puts it. */
  readonly ended: Promise<string>;
  /** Everything that it has heard up to now, such as `CREATE RUNNER <id>`. */
  readonly heard: readonly string[];
  /** The next so many events; waits until they have come. */
  next(count: number): Promise<string[]>;
  /**
   * All events from where the last call left off, and no more are on their way: a runner that is registered for
   * it is the last to be heard of.
   */
  untilNow(users: HasRunnerClient): Promise<string[]>;
  /** Leaves the stream. */
  end(): Promise<void>;
}

/** Resolves once the watch has begun: its headers are there. */
export async function watching(
  events: EventClient,
  request: WatchInit = {},
  options: CallOptions = {},
): Promise<Watching> {
  const controller = new AbortController();
  const heard: string[] = [];
  let taken = 0;
  let wake = () => {};
  let onHeader = (_header: Headers) => {};
  const begun = new Promise<Headers>((resolve) => {
    onHeader = resolve;
  });
  const hear = async () => {
    for await (const event of events.watchEvents(request, {
      ...options,
      signal: controller.signal,
      onHeader,
    })) {
      heard.push(textOf(event));
      wake();
    }
  };
  const ended = failureOf(hear());
  const early = ended.then((outcome) => {
    throw new Error(`the watch ended before what was waited for: ${outcome}; it heard ${heard.join(", ")}`);
  });
  early.catch(() => {});
  const hasCome = (event: string) => heard.indexOf(event, taken) + 1;
  const wait = async (isThere: () => number | boolean) => {
    while (!isThere()) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await Promise.race([woken, early]);
    }
  };
  const take = (end: number) => {
    const events = heard.slice(taken, end);
    taken = end;
    return events;
  };
  return {
    header: await Promise.race([begun, early]),
    ended,
    heard,
    async next(count) {
      await wait(() => heard.length >= taken + count);
      return take(taken + count);
    },
    async untilNow(users) {
      const { runnerId } = await register(users);
      const last = `CREATE RUNNER ${runnerId}`;
      await wait(() => hasCome(last));
      return take(hasCome(last)).slice(0, -1);
    },
    async end() {
      controller.abort();
      await ended;
    },
  };
}

/** The first of what a watch has to say; for one that is refused, how. */
export const firstOf = (events: EventClient, request: WatchInit = {}, options: CallOptions = {}) =>
  events.watchEvents(request, options)[Symbol.asyncIterator]().next();

/** A client of the events of a mock. */
export const eventsOf = (mock: TestMock, options?: Parameters<TestMock["client"]>[1]): EventClient =>
  mock.client(EventService, options);

export function textOf({ operation, resourceType, resourceId }: WatchEventsResponse): string {
  return `${ResourceOperation[operation]} ${ResourceType[resourceType]} ${resourceId}`;
}

/** Without the ids. */
export const withoutIds = (events: readonly string[]) => events.map((event) => event.replace(/ [^ ]+$/, ""));
