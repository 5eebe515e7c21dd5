/**
 * Tells a story through a client: each call is checked by its answer, and by what the mock logged of it. What was
 * proven that way is noted on the test, and becomes the ledger in docs/evidence.md if the test passes.
 */
import { fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { expect } from "vitest";
import { apiServices, rpcOf } from "../../src/api.ts";
import { type Evidence, wireOf } from "../support/evidence.ts";
import type { TestMock } from "../support/mock.ts";
import type { ClientKind, JsonObject, RpcName, Session, Watch } from "./client.ts";
import type { Story } from "./stories/story.ts";

/** Tells a story of a mock through a session of its own. @returns what was proven by it */
export async function tellThrough(
  kind: ClientKind,
  mock: TestMock,
  story: Story,
): Promise<readonly Evidence[]> {
  const session = await kind.open(mock.url);
  try {
    const teller = new Teller(mock, kind, session);
    await story.tell(teller);
    return teller.evidence;
  } finally {
    await session.close();
  }
}

export class Teller {
  readonly mock: TestMock;
  readonly kind: ClientKind;
  readonly evidence: Evidence[] = [];
  readonly #session: Session;

  constructor(mock: TestMock, kind: ClientKind, session: Session) {
    this.mock = mock;
    this.kind = kind;
    this.#session = session;
  }

  /** The call succeeds with a reply that has what is expected. */
  async answers(rpc: RpcName, request: JsonObject, expected: object, bearer?: string): Promise<Reply> {
    const outcome = await this.#session.call(rpc, request, bearer);
    if ("error" in outcome) throw new Error(`${rpc}: ${outcome.error.code}: ${outcome.error.message}`);
    const reply = normal(rpc, outcome.reply);
    expect(reply, rpc).toMatchObject(expected);
    this.#note(rpc);
    return reply;
  }

  /** The call fails in that way, for the client and in the log alike. */
  async fails(rpc: RpcName, request: JsonObject, error: { code: string; message?: string }, bearer?: string) {
    const outcome = await this.#session.call(rpc, request, bearer);
    const { code, message = "" } = error;
    expect(outcome, rpc).toEqual({ error: { code, message: expect.stringContaining(message) } });
    expect(this.#logged(rpc).error).toMatchObject({ code, message: expect.stringContaining(message) });
  }

  /** How often the client calls the RPC while something is done. */
  async callsOf(rpc: RpcName, act: () => Promise<unknown>): Promise<number> {
    const before = this.mock.calls.list({ rpc: full(rpc) }).length;
    await act();
    return this.mock.calls.list({ rpc: full(rpc) }).length - before;
  }

  /** The items of a list that takes so many pages, by the client's own paging where it has any. */
  async lists(
    rpc: RpcName,
    request: JsonObject,
    items: string,
    pages: number,
  ): Promise<readonly JsonObject[]> {
    let found: readonly JsonObject[] = [];
    const calls = await this.callsOf(rpc, async () => {
      found = this.#session.list
        ? await this.#session.list(rpc, request)
        : await this.#pageByPage(rpc, request, items);
    });
    expect(calls, `pages of ${rpc}`).toBe(pages);
    this.#note(rpc);
    return normal(rpc, { [items]: found })[items] ?? [];
  }

  /** Watches; resolves once the mock has begun to answer. */
  async watch(request: JsonObject = {}): Promise<Watch> {
    const rpc = "gitpod.v1.EventService/WatchEvents";
    const count = this.mock.calls.list({ rpc }).length + 1;
    const [watch] = await Promise.all([
      this.#session.watch(request),
      this.mock.calls.waitFor({ rpc }, { count, timeout: "15s" }),
    ]);
    return {
      next: async (wanted) => {
        const events = (await watch.next(wanted)).map((event) => normal("EventService/WatchEvents", event));
        this.#note("EventService/WatchEvents");
        return events;
      },
      end: () => watch.end(),
    };
  }

  async #pageByPage(rpc: RpcName, request: JsonObject, items: string) {
    const found: JsonObject[] = [];
    let token = "";
    do {
      const pagination = { ...(request.pagination as JsonObject), ...(token !== "" && { token }) };
      const reply = await this.answers(rpc, { ...request, pagination }, {});
      found.push(...(reply[items] ?? []));
      token = reply.pagination?.nextToken ?? "";
    } while (token !== "");
    return found;
  }

  #logged(rpc: RpcName) {
    const call = this.mock.calls.list({ rpc: full(rpc) }).at(-1);
    if (call === undefined) throw new Error(`the mock has logged no call of ${rpc}`);
    return call;
  }

  #note(rpc: RpcName): void {
    const call = this.#logged(rpc);
    expect(call.userAgent).toMatch(this.kind.userAgent);
    const wire = wireOf(call);
    expect(this.kind.speaks).toContain(wire);
    this.evidence.push({ client: this.kind.name, wire, rpc: call.rpc });
  }
}

// biome-ignore lint/suspicious/noExplicitAny: replies are read as JavaScript's users read them
export type Reply = Record<string, any>;

const full = (rpc: RpcName) => `gitpod.v1.${rpc}`;

const methods = new Map(
  apiServices.flatMap((service) => service.methods.map((method) => [rpcOf(method), method])),
);

/** The message as the schema's own JSON has it: clients write times, defaults and numbers in ways of their own. */
function normal(rpc: RpcName, json: JsonObject): Reply {
  const output = methods.get(full(rpc))?.output;
  if (output === undefined) throw new Error(`there is no RPC ${rpc}`);
  return toJson(output, fromJson(output, json as JsonValue)) as Reply;
}
