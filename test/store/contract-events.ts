/** What every store writes into its feed: by the rule of a document's collection, and by what is hidden. */
import { beforeEach, describe, expect, test } from "vitest";
import type { MovableClock } from "../../src/clock.ts";
import { ResourceOperation, ResourceType } from "../../src/gen/gitpod/v1/event_pb.ts";
import type { CollectionRules, Document, Store } from "../../src/store/store.ts";
import { startMs } from "../support/mock.ts";
import { anybody } from "../support/parts.ts";
import type { StoreUnderTest } from "./contract.ts";

const { CREATE, UPDATE, DELETE } = ResourceOperation;

/** @param open a fresh store, in a clock that stands at `startMs`, whose feed keeps a hundred entries */
export function describeStoreEvents(open: () => Promise<StoreUnderTest>): void {
  let clock: MovableClock;
  let store: Store;
  let pass: StoreUnderTest["pass"];
  beforeEach(async () => {
    ({ store, clock, pass } = await open());
  });

  describe("a store tells of a document that", () => {
    type Rule = NonNullable<CollectionRules<string>["event"]>;
    /** Tells of what changes a value. */
    const rule: Rule = (before, after) => {
      if (before?.value === after?.value) return undefined;
      const changed = after === undefined ? DELETE : UPDATE;
      return {
        operation: before === undefined ? CREATE : changed,
        resourceType: ResourceType.RUNNER,
        resourceId: (after ?? before)?.id ?? "",
        creatorId: "creator",
        organizationId: "organization",
      };
    };
    const doc = (id: string, more: Partial<Document<string>> = {}) => ({ id, value: "a value", ...more });
    const told = async () =>
      (await store.feed.list({ limit: 100, newestFirst: false })).map(
        ({ operation, resourceId, atMs, actor }) =>
          `${ResourceOperation[operation]} ${resourceId} at ${atMs - startMs} by ${actor?.id === anybody.subject.id ? "user" : "nobody"}`,
      );
    const by = anybody.subject;

    test("comes, changes and goes, and who did that", async () => {
      const things = store.collection("things", { event: rule });
      await things.put(doc("a"), { by });
      await clock.advance(10);
      await things.put(doc("a", { value: "newer" }));
      await things.take("a", by);
      expect(await told()).toEqual([
        "CREATE a at 0 by user",
        "UPDATE a at 10 by nobody",
        "DELETE a at 10 by user",
      ]);
    });

    test("changes in a way that the rule tells of, in a collection that has one", async () => {
      await store.collection("silent").put(doc("a"), { by });
      const things = store.collection("things", { event: rule });
      await things.put(doc("b"), { by });
      await things.put(doc("b"), { by });
      expect(await told()).toEqual(["CREATE b at 0 by user"]);
    });

    test("is written, not one that is refused", async () => {
      const things = store.collection("things", { event: rule });
      await things.put(doc("a", { owner: "nobody" }), { by });
      await things.put(doc("b"), { by });
      await things.put(doc("b", { value: "newer" }), { if: "absent", by });
      await things.take("c", by);
      expect(await told()).toEqual(["CREATE b at 0 by user"]);
    });

    test("expires, by nobody, at its moment, however late that is noticed", async () => {
      const things = store.collection("things", { event: rule });
      await things.put(doc("a", { expiresAtMs: startMs + 10 }), { by });
      pass(1000);
      expect(await things.put(doc("a", { value: "newer" }), { by })).toBe(true);
      expect(await told()).toEqual([
        "CREATE a at 0 by user",
        "DELETE a at 10 by nobody",
        "CREATE a at 1000 by user",
      ]);
    });

    test("goes through several changes by its expiry at once: each at its own moment", async () => {
      const expire = ({ id, value, expiresAtMs = 0 }: Document<string>) =>
        value === "aaa" ? undefined : doc(id, { value: `${value}a`, expiresAtMs: expiresAtMs + 10 });
      const things = store.collection("things", { event: rule, expire });
      await things.put(doc("x", { value: "a", expiresAtMs: startMs + 10 }), { by });
      await clock.advance("1h");
      expect(await told()).toEqual([
        "CREATE x at 0 by user",
        "UPDATE x at 10 by nobody",
        "UPDATE x at 20 by nobody",
        "DELETE x at 30 by nobody",
      ]);
    });

    test("is hidden as its end, and is shown as its beginning, and nothing in between", async () => {
      const things = store.collection("things", { event: rule });
      await things.put(doc("a"), { by });
      await things.put(doc("a", { hidden: true }), { by });
      await things.put(doc("a", { hidden: true, value: "newer" }), { by });
      await things.put(doc("a", { value: "newest" }), { by });
      await things.put(doc("b", { hidden: true }), { by });
      await things.take("b", by);
      await things.put(doc("a", { hidden: true }), { by });
      await things.take("a", by);
      expect(await told()).toEqual(
        ["CREATE", "DELETE", "CREATE", "DELETE"].map((each) => `${each} a at 0 by user`),
      );
    });

    describe("is owned:", () => {
      const owned = (id: string, more: Partial<Document<string>> = {}) =>
        doc(id, { owner: "owner", ...more });
      const collections = () => ({
        owners: store.collection("owners", { event: rule }),
        things: store.collection("things", { event: rule }),
        tokens: store.collection("tokens"),
      });

      test("it goes with its owner, told after it, by whom that was", async () => {
        const { owners, things, tokens } = collections();
        await owners.put(doc("owner"));
        await things.put(owned("thing"));
        await tokens.put(owned("token"));
        await owners.take("owner", by);
        expect((await told()).slice(2)).toEqual(["DELETE owner at 0 by user", "DELETE thing at 0 by user"]);
      });

      test("it is hidden and shown with its owner", async () => {
        const { owners, things, tokens } = collections();
        await owners.put(doc("owner"));
        await things.put(owned("thing"));
        await things.put(owned("hidden itself", { hidden: true }));
        await tokens.put(owned("token"));
        await owners.put(doc("owner", { hidden: true }), { by });
        await owners.put(doc("owner"), { by });
        expect((await told()).slice(2)).toEqual([
          "DELETE owner at 0 by user",
          "DELETE thing at 0 by user",
          "CREATE owner at 0 by user",
          "CREATE thing at 0 by user",
        ]);
      });

      test("nothing is told of it while its owner is hidden, whatever becomes of it, or of both", async () => {
        const { owners, things } = collections();
        await owners.put(doc("owner", { hidden: true }));
        await things.put(owned("thing"));
        await things.put(owned("thing", { value: "newer" }));
        await things.put(owned("expires", { expiresAtMs: startMs + 10 }));
        await clock.advance(10);
        await things.take("thing");
        await things.put(owned("stays"));
        await owners.take("owner");
        expect(await told()).toEqual([]);
      });

      test("what is left of it when its owner is shown is told then", async () => {
        const { owners, things } = collections();
        await owners.put(doc("owner", { hidden: true }));
        for (const id of ["one", "other"]) await things.put(owned(id));
        await things.take("one");
        await owners.put(doc("owner"), { by });
        expect(await told()).toEqual(["CREATE owner at 0 by user", "CREATE other at 0 by user"]);
      });

      test("takeOwnedBy tells of all that goes, where the owner is seen", async () => {
        const { owners, things } = collections();
        for (const [id, hidden] of [
          ["seen", false],
          ["unseen", true],
        ] as const) {
          await owners.put(doc(id, { hidden }));
          await things.put(doc(`thing of ${id}`, { owner: id }));
          await store.takeOwnedBy(id, by);
        }
        expect((await told()).slice(2)).toEqual(["DELETE thing of seen at 0 by user"]);
      });

      test("the hidden one that is one too many goes without a word, and takes what it owns with it", async () => {
        const owners = store.collection("owners", { event: rule, maxHidden: 1 });
        const things = store.collection("things", { event: rule });
        for (const id of ["first", "second"]) {
          await owners.put(doc(id));
          await things.put(doc(`thing of ${id}`, { owner: id }));
        }
        for (const id of ["first", "second"]) await owners.put(doc(id, { hidden: true }), { by });
        expect((await told()).slice(4)).toEqual(
          ["first", "thing of first", "second", "thing of second"].map((id) => `DELETE ${id} at 0 by user`),
        );
        expect(await things.get("thing of first")).toBeUndefined();
      });
    });
  });
}
