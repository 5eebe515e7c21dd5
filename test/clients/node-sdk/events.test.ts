/** The official Node SDK hears and reads of what happens to runners. */
import type Gitpod from "@gitpod/sdk";
import { BadRequestError } from "@gitpod/sdk";
import { describe, expect } from "vitest";
import { startMs } from "../../support/mock.ts";
import {
  comeUp,
  errorOf,
  given,
  productionRunner,
  readerOf,
  sdkOf,
  test,
  unknownId,
} from "../../support/node-sdk.ts";

const watchEvents = /\/gitpod\.v1\.EventService\/WatchEvents$/;

const event = (operation: string, resourceId: string | undefined, resourceType = "RUNNER") => ({
  operation: `RESOURCE_OPERATION_${operation}`,
  resourceType: `RESOURCE_TYPE_${resourceType}`,
  resourceId,
});

/** A request with fields that are newer than this SDK: it sends them all the same. */
const asWatch = (request: object) => request as Gitpod.EventWatchParams;

describe("the Node SDK watches", () => {
  test("a runner be created, updated, lapse, come back and be deleted", async ({ sdk, mock }) => {
    const stream = await sdk.client.events.watch({});
    expect(sdk.sent.map(({ url, body }) => [url.pathname, body])).toEqual([
      ["/api/gitpod.v1.EventService/WatchEvents", {}],
    ]);
    const next = readerOf(stream);
    const { runnerId, asRunner } = await comeUp(sdk);
    expect(await next(2)).toEqual([event("CREATE", runnerId), event("UPDATE_STATUS", runnerId)]);
    await sdk.client.runners.update({ runnerId, name: "Another Name" });
    expect(await next(1)).toEqual([event("UPDATE", runnerId)]);
    await mock.clock.advance("30s");
    expect(await next(1)).toEqual([event("DELETE", runnerId)]);
    await asRunner.identity.getAuthenticatedIdentity({});
    await sdk.client.runners.delete({ runnerId });
    expect(await next(2)).toEqual([event("CREATE", runnerId), event("DELETE", runnerId)]);
    stream.controller.abort();
  });

  test("what its filters let pass", async ({ sdk }) => {
    const { runner } = await sdk.client.runners.create(productionRunner);
    const runnerId = given(runner.runnerId);
    const stream = await sdk.client.events.watch(
      asWatch({ resourceTypeFilters: [{ resourceType: "RESOURCE_TYPE_RUNNER", resourceIds: [runnerId] }] }),
    );
    const next = readerOf(stream);
    await sdk.client.runners.create(productionRunner);
    await sdk.client.runners.delete({ runnerId });
    expect(await next(1)).toEqual([event("DELETE", runnerId)]);
    stream.controller.abort();
  });

  test("nothing by a bad request: it is refused with 400, and not tried again", async ({ sdk }) => {
    const error = await errorOf(
      sdk.client.events.watch(
        asWatch({
          environmentId: unknownId,
          resourceTypeFilters: [{ resourceType: "RESOURCE_TYPE_RUNNER" }],
        }),
      ),
    );
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error).toMatchObject({ status: 400, error: { code: "invalid_argument" } });
    expect(error.message).toContain("resource_type_filters cannot be combined with environment_id");
    expect(sdk.sent.map(({ url }) => url.pathname)).toEqual([expect.stringMatching(watchEvents)]);
  });

  test("nothing without a valid bearer: it is refused with 401, and not tried again", async ({ start }) => {
    const sdk = sdkOf(await start({ auth: "required" }));
    expect(await errorOf(sdk.client.events.watch({}))).toMatchObject({ status: 401 });
    expect(sdk.sent).toHaveLength(1);
  });
});

describe("the Node SDK lists the audit log", () => {
  test("three pages by itself, each entry once, the newest first", async ({ sdk }) => {
    const ids: unknown[] = [];
    for (let index = 0; index < 60; index++) {
      ids.push((await sdk.client.runners.create(productionRunner)).runner.runnerId);
    }
    sdk.sent.length = 0;
    const subjects: unknown[] = [];
    for await (const { subjectId } of sdk.client.events.list({})) subjects.push(subjectId);
    expect(subjects).toEqual(ids.toReversed());
    expect(sdk.sent.map(({ url }) => url.searchParams.has("token"))).toEqual([false, true, true]);
  });

  test("by filter and page size", async ({ sdk }) => {
    const { runner } = await sdk.client.runners.create(productionRunner);
    const runnerId = given(runner.runnerId);
    await sdk.client.runners.create(productionRunner);
    for (const name of ["One Name", "Another Name"]) await sdk.client.runners.update({ runnerId, name });
    await sdk.client.runners.delete({ runnerId });
    sdk.sent.length = 0;
    const list = sdk.client.events.list({
      filter: { subjectIds: [runnerId], actorPrincipals: ["PRINCIPAL_USER"] },
      pagination: { pageSize: 2 },
    });
    const entries: Gitpod.EventListResponse[] = [];
    for await (const entry of list) entries.push(entry);
    expect(entries.map(({ action }) => action)).toEqual(["delete", "update", "update", "create"]);
    expect(entries.at(-1)).toEqual({
      id: expect.any(String),
      actorId: given(runner.creator?.id),
      actorPrincipal: "PRINCIPAL_USER",
      subjectId: runnerId,
      subjectType: "RESOURCE_TYPE_RUNNER",
      action: "create",
      createdAt: new Date(startMs).toISOString(),
      kind: "AUDIT_LOG_ENTRY_KIND_RESOURCE_CHANGE",
    });
    expect(sdk.sent).toHaveLength(2);
  });
});
