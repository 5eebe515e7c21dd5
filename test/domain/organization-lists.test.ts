/** Lists where two organizations share a mock: each finds its own in them, page for page. */
import { ConnectError } from "@connectrpc/connect";
import { describe, expect } from "vitest";
import {
  ParseContextURLPreconditionFailureDetailsSchema,
  RunnerPhase,
} from "../../src/gen/gitpod/v1/runner_pb.ts";
import { identities, type User, usersOf } from "../support/organizations.ts";
import { idOf, register, seen } from "../support/registrations.ts";
import { sharing } from "../support/shared-mock.ts";

const test = sharing({ identities });

/** The sizes of the pages of a list, and what is on them. */
async function pagesOf<T>(page: (token: string) => Promise<{ items: T[]; next: string | undefined }>) {
  const pages: T[][] = [];
  let token: string | undefined = "";
  do {
    const { items, next } = await page(token);
    pages.push(items);
    token = next;
  } while (token);
  return { sizes: pages.map(({ length }) => length), all: pages.flat() };
}

describe("each organization", () => {
  test("lists its own runners, whatever it asks for", async ({ shared }) => {
    const { alice, bob } = usersOf(shared, "lists");
    const [here, there] = [await register(alice), await register(bob)];
    expect((await alice.runner.listRunners({})).runners.map(idOf)).toEqual([here.runnerId]);
    expect((await bob.runner.listRunners({})).runners.map(idOf)).toEqual([there.runnerId]);
    const creatorIds = [(await seen(bob, there.runnerId)).creator?.id ?? ""];
    expect((await alice.runner.listRunners({ filter: { creatorIds } })).runners).toEqual([]);
    expect((await bob.runner.listRunners({ filter: { creatorIds } })).runners.map(idOf)).toEqual([
      there.runnerId,
    ]);
  });

  test("is told of its own ACTIVE runners when it has to sign in to a host", async ({ shared }) => {
    const { alice, bob } = usersOf(shared);
    const [here, there] = [await register(alice), await register(bob)];
    for (const { runnerId } of [here, there]) {
      await shared.runners.report(runnerId, { phase: RunnerPhase.ACTIVE });
    }
    const contextUrl = "https://dev.azure.com/organization/project/_git/repo";
    const toldTo = async ({ runner }: User) => {
      const error = await runner.parseContextURL({ contextUrl }).catch((reason: unknown) => reason);
      const [details] = ConnectError.from(error).findDetails(ParseContextURLPreconditionFailureDetailsSchema);
      return details?.runnerIds;
    };
    expect(await toldTo(alice)).toEqual([here.runnerId]);
    expect(await toldTo(bob)).toEqual([there.runnerId]);
  });

  test("gets full pages, though runners of another lie between its own", async ({ shared }) => {
    const { alice, bob } = usersOf(shared, "pages");
    const registered: Record<"alice" | "bob", string[]> = { alice: [], bob: [] };
    for (let i = 0; i < 30; i++) {
      registered.bob.push((await register(bob)).runnerId);
      registered.alice.push((await register(alice)).runnerId);
      registered.bob.push((await register(bob)).runnerId);
    }
    const listPages = ({ runner }: User) =>
      pagesOf(async (token) => {
        const { runners, pagination } = await runner.listRunners({ pagination: { pageSize: 10, token } });
        return { items: runners.map(idOf), next: pagination?.nextToken };
      });
    const logPages = ({ events }: User) =>
      pagesOf(async (token) => {
        const answer = await events.listAuditLogs({ pagination: { pageSize: 10, token } });
        return {
          items: answer.entries.map(({ subjectId }) => subjectId),
          next: answer.pagination?.nextToken,
        };
      });
    const tens = (count: number) => Array.from({ length: count }, () => 10);
    expect(await listPages(alice)).toEqual({ sizes: tens(3), all: registered.alice });
    expect(await listPages(bob)).toEqual({ sizes: tens(6), all: registered.bob });
    expect(await logPages(alice)).toEqual({ sizes: tens(3), all: registered.alice.toReversed() });
    expect(await logPages(bob)).toEqual({ sizes: tens(6), all: registered.bob.toReversed() });
  });
});
