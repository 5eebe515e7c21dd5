/** What every store does, whatever stands behind it: conditions, expiry, order, owners, hidden documents, events. */
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { MovableClock } from "../../src/clock.ts";
import type { Collection, CollectionRules, Document, Owned, Store } from "../../src/store/store.ts";
import { startMs } from "../support/mock.ts";

export interface StoreUnderTest {
  readonly store: Store;
  readonly clock: MovableClock;
  /** Lets time go by without anybody noticing: what expires has to be found out by who reads. */
  pass(ms: number): void;
}

/** @param open a fresh store, in a clock that stands at `startMs` */
export function describeStore(open: () => Promise<StoreUnderTest>): void {
  let clock: MovableClock;
  let store: Store;
  let pass: StoreUnderTest["pass"];
  beforeEach(async () => {
    ({ store, clock, pass } = await open());
  });

  const collection = <T = string>(rules?: CollectionRules<T>, name = "things") =>
    store.collection<T>(name, rules);

  /** A document that expires after so many milliseconds from the beginning of the test. */
  const doc = (id: string, expiresAfterMs?: number, value = `value of ${id}`): Document<string> => ({
    id,
    value,
    ...(expiresAfterMs === undefined ? {} : { expiresAtMs: startMs + expiresAfterMs }),
  });

  const idsOf = async (things: Collection<string>, page: { after?: string; limit?: number } = {}) =>
    (await things.list({ limit: 100, ...page })).map(({ id }) => id);

  describe("put", () => {
    test("without a condition writes, and writes over", async () => {
      const things = collection();
      expect(await things.get("a")).toBeUndefined();
      expect(await things.put(doc("a"))).toBe(true);
      expect(await things.put(doc("a", undefined, "newer"))).toBe(true);
      expect(await things.get("a")).toEqual(doc("a", undefined, "newer"));
      expect(await idsOf(things)).toEqual(["a"]);
    });

    test("if absent writes only where there is no such document", async () => {
      const things = collection();
      expect(await things.put(doc("a"), { if: "absent" })).toBe(true);
      expect(await things.put(doc("a", undefined, "newer"), { if: "absent" })).toBe(false);
      expect((await things.get("a"))?.value).toBe("value of a");
      await things.take("a");
      expect(await things.put(doc("a", undefined, "newer"), { if: "absent" })).toBe(true);
    });

    test("if unchanged writes only over the document that was read", async () => {
      const things = collection();
      await things.put(doc("a"));
      const read = (await things.get("a")) as Document<string>;
      expect(await things.put(doc("a", undefined, "second"), { if: { unchanged: read } })).toBe(true);
      expect(await things.put(doc("a", undefined, "third"), { if: { unchanged: read } })).toBe(false);
      expect((await things.get("a"))?.value).toBe("second");
      const second = (await things.get("a")) as Document<string>;
      await things.take("a");
      expect(await things.put(doc("a"), { if: { unchanged: second } })).toBe(false);
      expect(await things.get("a")).toBeUndefined();
    });

    test("if unchanged refuses a document that has been written anew with the same content", async () => {
      const things = collection();
      await things.put(doc("a"));
      const read = (await things.get("a")) as Document<string>;
      await things.put(doc("a"));
      expect(await things.put(doc("a", undefined, "newer"), { if: { unchanged: read } })).toBe(false);
    });

    test("takes what has expired for absent and for changed", async () => {
      const things = collection();
      await things.put(doc("a", 10));
      const read = (await things.get("a")) as Document<string>;
      await clock.advance(10);
      expect(await things.put(doc("a", 30), { if: { unchanged: read } })).toBe(false);
      expect(await things.put(doc("a", 20), { if: "absent" })).toBe(true);
    });

    test("lets exactly one of many writers at once change what all have read", async () => {
      const things = collection<number>();
      await things.put({ id: "a", value: 0 });
      const unchanged = (await things.get("a")) as Document<number>;
      const writers = Array.from({ length: 50 }, (_, value) =>
        things.put({ id: "a", value }, { if: { unchanged } }),
      );
      expect((await Promise.all(writers)).filter(Boolean)).toHaveLength(1);
    });

    test("keeps collections apart", async () => {
      const [one, other] = [collection({}, "one"), collection({}, "other")];
      await one.put(doc("a"));
      expect(await other.get("a")).toBeUndefined();
      expect(await other.put(doc("a"), { if: "absent" })).toBe(true);
      await one.take("a");
      expect(await other.get("a")).toEqual(doc("a"));
    });
  });

  describe("take", () => {
    test("removes and returns the document, once", async () => {
      const things = collection();
      await things.put(doc("a"));
      expect(await things.take("a")).toEqual(doc("a"));
      expect(await things.take("a")).toBeUndefined();
      expect(await things.get("a")).toBeUndefined();
      expect(await idsOf(things)).toEqual([]);
    });

    test("gives the document to exactly one of many callers at once", async () => {
      const things = collection();
      await things.put(doc("a"));
      const taken = await Promise.all(Array.from({ length: 100 }, () => things.take("a")));
      expect(taken.filter((document) => document !== undefined)).toEqual([doc("a")]);
    });

    test("finds nothing that has expired", async () => {
      const things = collection();
      await things.put(doc("a", 10));
      await clock.advance(10);
      expect(await things.take("a")).toBeUndefined();
    });
  });

  describe("list", () => {
    test("goes in ascending order of the ids, whatever the order of writing", async () => {
      const things = collection();
      for (const id of ["c", "a", "B", "aa", "10", "9", "é"]) await things.put(doc(id));
      expect(await idsOf(things)).toEqual(["10", "9", "B", "a", "aa", "c", "é"]);
    });

    test.for([
      [undefined, 2, ["a", "b"]],
      ["b", 2, ["c", "d"]],
      ["d", 2, ["e"]],
      ["e", 2, []],
      ["bb", 2, ["c", "d"]],
      ["", 1, ["a"]],
      ["A", 1, ["a"]],
      ["z", 1, []],
      [undefined, 5, ["a", "b", "c", "d", "e"]],
      [undefined, 0, []],
    ] as const)("after %j holds %i: %j", async ([after, limit, expected]) => {
      const things = collection();
      for (const id of ["a", "b", "c", "d", "e"]) await things.put(doc(id));
      expect(await idsOf(things, { limit, ...(after === undefined ? {} : { after }) })).toEqual(expected);
    });

    test("goes on after a document that is gone, and sees what came behind it", async () => {
      const things = collection();
      for (const id of ["a", "c", "e", "g"]) await things.put(doc(id));
      expect(await idsOf(things, { limit: 2 })).toEqual(["a", "c"]);
      await things.take("c");
      await things.take("e");
      await things.put(doc("b"));
      await things.put(doc("d"));
      await things.put(doc("h"));
      expect(await idsOf(things, { after: "c" })).toEqual(["d", "g", "h"]);
    });

    test("fills the page where documents in between have expired", async () => {
      const things = collection();
      for (const [index, id] of ["a", "b", "c", "d", "e", "f"].entries()) {
        await things.put(doc(id, index % 2 === 0 ? 10 : 1000));
      }
      pass(10);
      expect(await idsOf(things, { limit: 2 })).toEqual(["b", "d"]);
      expect(await idsOf(things, { limit: 2, after: "d" })).toEqual(["f"]);
    });

    test("of a collection that keeps no order fails", async () => {
      const things = collection({ listed: false });
      await things.put(doc("a"));
      await expect(things.list({ limit: 1 })).rejects.toThrow("things");
      expect(await things.get("a")).toEqual(doc("a"));
    });

    test("keeps the order of many documents that come and go", async () => {
      const things = collection();
      const ids = Array.from({ length: 2000 }, (_, index) => String((index * 7919) % 2000).padStart(4, "0"));
      for (const id of ids) await things.put(doc(id));
      for (const id of ids.filter((_, index) => index % 3 === 0)) await things.take(id);
      const left = ids.filter((_, index) => index % 3 !== 0).toSorted();
      expect(await idsOf(things, { limit: 5000 })).toEqual(left);
    });
  });

  describe("a document that expires", () => {
    test.for([
      [9, true],
      [10, false],
      [11, false],
    ] as const)("after 10 ms: after %i ms it is there: %s", async ([afterMs, there]) => {
      const things = collection();
      await things.put(doc("a", 10));
      await clock.advance(afterMs);
      expect((await things.get("a")) !== undefined).toBe(there);
      expect(await idsOf(things)).toEqual(there ? ["a"] : []);
    });

    test("is gone for every reader even if no timer ever fires", async () => {
      const things = collection();
      const readers: [string, (id: string) => Promise<unknown>][] = [
        ["get", (id) => things.get(id)],
        ["take", (id) => things.take(id)],
        ["list", async (id) => (await things.list({ limit: 100 })).find((document) => document.id === id)],
        [
          "put if absent",
          async (id) => ((await things.put(doc(id), { if: "absent" })) ? undefined : "there"),
        ],
      ];
      for (const [id] of readers) await things.put(doc(id, 10));
      pass(9);
      for (const [id] of readers) expect([id, await things.get(id)]).toEqual([id, doc(id, 10)]);
      pass(1);
      for (const [id, read] of readers) expect([id, await read(id)]).toEqual([id, undefined]);
    });

    test("already when it is put is not there", async () => {
      const things = collection();
      await things.put(doc("a", 0));
      await things.put(doc("b", -1000));
      expect(await things.get("a")).toBeUndefined();
      expect(await idsOf(things)).toEqual([]);
    });

    test("expires at its new time once it is renewed, put off or brought forward", async () => {
      const things = collection();
      for (const id of ["later", "sooner", "never"]) await things.put(doc(id, 100));
      await clock.advance(50);
      await things.put(doc("later", 300));
      await things.put(doc("sooner", 60));
      await things.put(doc("never"));
      await clock.advance(9);
      expect(await idsOf(things)).toEqual(["later", "never", "sooner"]);
      await clock.advance(1);
      expect(await idsOf(things)).toEqual(["later", "never"]);
      await clock.advance(239);
      expect(await idsOf(things)).toEqual(["later", "never"]);
      await clock.advance(1);
      expect(await idsOf(things)).toEqual(["never"]);
      await clock.advance("24h");
      expect(await idsOf(things)).toEqual(["never"]);
    });

    test("and comes back under its id lives for its own time", async () => {
      const things = collection();
      await things.put(doc("a", 100));
      await things.take("a");
      await things.put(doc("a", 200));
      await clock.advance(199);
      expect(await things.get("a")).toEqual(doc("a", 200));
      await clock.advance(1);
      expect(await things.get("a")).toBeUndefined();
    });
  });

  describe("the expiry rule", () => {
    /** Becomes `value'`, which expires 10 ms later, then `value''`, and then nothing. */
    const stepwise = () =>
      vi.fn((document: Document<string>): Document<string> | undefined =>
        document.value.endsWith("''")
          ? undefined
          : { ...document, value: `${document.value}'`, expiresAtMs: (document.expiresAtMs ?? 0) + 10 },
      );

    test("replaces the document at its moment, without anybody looking", async () => {
      const expire = stepwise();
      await collection({ expire }).put(doc("a", 10, "v"));
      await clock.advance(9);
      expect(expire).not.toHaveBeenCalled();
      await clock.advance(1);
      expect(expire.mock.calls.map(([document]) => document)).toEqual([doc("a", 10, "v")]);
    });

    test("is applied exactly once, however often and by whomever the document is read", async () => {
      const expire = stepwise();
      const things = collection({ expire });
      await things.put(doc("a", 10, "v"));
      await clock.advance(10);
      await clock.advance(5);
      for (let i = 0; i < 5; i++) {
        expect((await things.get("a"))?.value).toBe("v'");
        expect(await things.list({ limit: 10 })).toHaveLength(1);
      }
      expect(expire).toHaveBeenCalledTimes(1);
      await clock.advance(100);
      expect(await things.get("a")).toBeUndefined();
      expect(expire).toHaveBeenCalledTimes(3);
    });

    test("is applied as often as moments have passed, each at its own", async () => {
      const expire = stepwise();
      const things = collection({ expire });
      await things.put(doc("a", 10, "v"));
      pass(25);
      expect(await things.get("a")).toEqual(doc("a", 30, "v''"));
      expect(expire.mock.calls.map(([document]) => document)).toEqual([
        doc("a", 10, "v"),
        doc("a", 20, "v'"),
      ]);
    });

    test("may make a document that stays", async () => {
      const things = collection<string>({ expire: ({ id }) => ({ id, value: "settled" }) });
      await things.put(doc("a", 10));
      await clock.advance("24h");
      expect(await things.get("a")).toEqual({ id: "a", value: "settled" });
      await things.put(doc("a", 24 * 3_600_000 + 10));
      await clock.advance(10);
      expect(await things.get("a")).toEqual({ id: "a", value: "settled" });
    });

    test("is told what the document owns at that moment, collection by collection", async () => {
      const told: string[][] = [];
      const expire = (_: Document<string>, owned: Owned) => {
        told.push(
          ["tokens", "policies", "nothing"].map((name) =>
            owned(name)
              .map(({ id }) => id)
              .join(),
          ),
        );
        return undefined;
      };
      const runners = collection({ expire }, "runners");
      const [tokens, policies] = [collection({ listed: false }, "tokens"), collection({}, "policies")];
      await runners.put(doc("r", 100));
      await tokens.put({ ...doc("lives longer", 101), owner: "r" });
      await tokens.put({ ...doc("z lives as long", 100), owner: "r" });
      await tokens.put({ ...doc("was taken"), owner: "r" });
      await tokens.take("was taken");
      await tokens.put({ ...doc("of another"), owner: "other" });
      await policies.put({ ...doc("policy"), owner: "r" });
      await clock.advance(100);
      expect(told).toEqual([["lives longer", "policy", ""]]);
    });

    test("goes through documents in the order of their moments, then of their ids", async () => {
      const order: string[] = [];
      const expire = ({ id }: Document<string>) => {
        order.push(id);
        return undefined;
      };
      const [things, others] = [collection({ expire }), collection({ expire }, "others")];
      for (const id of ["c", "a"]) await things.put(doc(id, 20));
      await others.put(doc("b", 20));
      await things.put(doc("d", 10));
      await others.put(doc("e", 30));
      await clock.advance(100);
      expect(order).toEqual(["d", "a", "b", "c", "e"]);
    });
  });

  describe("a document with an owner", () => {
    const owned = (id: string, owner: string, expiresAfterMs?: number) => ({
      ...doc(id, expiresAfterMs),
      owner,
    });

    test("goes with its owner, however that goes", async () => {
      const runners = collection({ maxHidden: 0 }, "runners");
      const tokens = collection({ listed: false }, "tokens");
      for (const id of ["taken", "expired", "hidden"]) {
        await runners.put(doc(id, id === "expired" ? 10 : undefined));
        await tokens.put(owned(`${id} token`, id));
      }
      await runners.put(doc("other"));
      await tokens.put(owned("other token", "other"));
      await runners.take("taken");
      expect(await tokens.get("taken token")).toBeUndefined();
      await clock.advance(10);
      expect(await tokens.get("expired token")).toBeUndefined();
      await runners.put({ ...doc("hidden"), hidden: true });
      expect(await tokens.get("hidden token")).toBeUndefined();
      expect(await tokens.get("other token")).toBeDefined();
    });

    test("stays when its owner is written anew or is hidden, but then is in no list", async () => {
      const runners = collection({}, "runners");
      const tokens = collection({}, "tokens");
      await runners.put(doc("r"));
      await tokens.put(owned("t", "r"));
      await runners.put(doc("r", undefined, "newer"));
      await runners.put({ ...doc("r"), hidden: true });
      expect(await tokens.get("t")).toBeDefined();
      expect(await idsOf(tokens)).toEqual([]);
    });

    test("goes with what it owns itself", async () => {
      const [runners, policies, notes] = [collection({}, "r"), collection({}, "p"), collection({}, "n")];
      await runners.put(doc("runner"));
      await policies.put(owned("policy", "runner"));
      await notes.put(owned("note", "policy"));
      await runners.take("runner");
      expect([await policies.get("policy"), await notes.get("note")]).toEqual([undefined, undefined]);
    });

    test("may go before its owner, and is not missed", async () => {
      const [runners, tokens] = [collection({}, "runners"), collection({}, "tokens")];
      await runners.put(doc("r"));
      await tokens.put(owned("used", "r"));
      await tokens.put(owned("expired", "r", 10));
      await tokens.take("used");
      await clock.advance(10);
      // What came later under the same id belongs to nobody.
      await tokens.put(doc("used"));
      await runners.take("r");
      expect(await idsOf(tokens)).toEqual(["used"]);
    });

    test("takeOwnedBy removes what is owned, in all collections, and leaves the owner", async () => {
      const [runners, tokens, policies] = [collection({}, "r"), collection({}, "t"), collection({}, "p")];
      await runners.put(doc("r"));
      await runners.put(doc("other"));
      await tokens.put(owned("t1", "r"));
      await tokens.put(owned("t2", "other"));
      await policies.put(owned("p1", "r"));
      await store.takeOwnedBy("r");
      expect(await idsOf(runners)).toEqual(["other", "r"]);
      expect(await idsOf(tokens)).toEqual(["t2"]);
      expect(await idsOf(policies)).toEqual([]);
      await store.takeOwnedBy("nobody");
    });

    test("goes also where another collection has one of the same id and owner", async () => {
      const [tokens, policies] = [collection({}, "tokens"), collection({}, "policies")];
      await collection({}, "runners").put(doc("r"));
      await tokens.put(owned("same", "r"));
      await policies.put(owned("same", "r"));
      await store.takeOwnedBy("r");
      expect([await idsOf(tokens), await idsOf(policies)]).toEqual([[], []]);
    });

    test("belongs to the owner that it was last written with", async () => {
      const things = collection();
      const owners = collection({}, "owners");
      for (const id of ["first", "second"]) await owners.put(doc(id));
      await things.put(owned("moved", "first"));
      await things.put(owned("moved", "second"));
      await things.put(doc("adopted"));
      await things.put(owned("adopted", "second"));
      await things.put(owned("freed", "first"));
      await things.put(doc("freed"));
      await store.takeOwnedBy("first");
      expect(await idsOf(things)).toEqual(["adopted", "freed", "moved"]);
      await store.takeOwnedBy("second");
      expect(await idsOf(things)).toEqual(["freed"]);
    });

    test("a document whose owner is gone is not written", async () => {
      const [runners, tokens] = [collection({}, "runners"), collection({}, "tokens")];
      expect(await tokens.put(owned("t", "r"))).toBe(false);
      await runners.put(doc("r"));
      expect(await tokens.put(owned("t", "r"))).toBe(true);
      await runners.take("r");
      expect(await tokens.put(owned("t", "r"))).toBe(false);
      expect(await idsOf(tokens)).toEqual([]);
    });
  });

  describe("a hidden document", () => {
    const hidden = (id: string, expiresAfterMs?: number) => ({ ...doc(id, expiresAfterMs), hidden: true });

    test("is found by its id and in no list, until it is shown again in its old place", async () => {
      const things = collection();
      for (const id of ["a", "b", "c"]) await things.put(doc(id));
      await things.put(hidden("b"));
      expect(await idsOf(things)).toEqual(["a", "c"]);
      expect(await things.get("b")).toEqual(hidden("b"));
      expect(await things.put(doc("b"), { if: "absent" })).toBe(false);
      await things.put({ ...doc("b"), hidden: false });
      expect(await idsOf(things)).toEqual(["a", "b", "c"]);
      await things.put(hidden("b"));
      await things.put(doc("b"));
      expect(await idsOf(things)).toEqual(["a", "b", "c"]);
    });

    test("can be taken, and expires like any other", async () => {
      const things = collection();
      await things.put(hidden("a", 10));
      await things.put(hidden("b"));
      expect(await things.take("b")).toEqual(hidden("b"));
      await clock.advance(10);
      expect(await things.get("a")).toBeUndefined();
    });

    test("beyond maxHidden the longest hidden goes", async () => {
      const things = collection({ maxHidden: 2 });
      for (const id of ["c", "a", "b"]) await things.put(hidden(id));
      expect(
        await Promise.all(["a", "b", "c"].map(async (id) => (await things.get(id)) !== undefined)),
      ).toEqual([true, true, false]);
    });

    test("is not counted any more when it is shown or taken, nor twice when it is written twice", async () => {
      const things = collection({ maxHidden: 2 });
      await things.put(hidden("a"));
      await things.put(hidden("a"));
      await things.put(hidden("b"));
      expect(await things.get("a")).toBeDefined();
      await things.put(doc("a"));
      await things.put(hidden("c"));
      expect(await things.get("b")).toBeDefined();
      await things.take("b");
      await things.put(hidden("d"));
      expect(await things.get("c")).toBeDefined();
      // Hidden again it is the last of three: c goes.
      await things.put(hidden("a"));
      expect(await things.get("c")).toBeUndefined();
      expect(await things.get("a")).toBeDefined();
    });

    test("by the expiry rule counts like any other, and with maxHidden: 0 there is none", async () => {
      const expire = (document: Document<string>) =>
        document.hidden ? undefined : { ...document, hidden: true, expiresAtMs: startMs + 1000 };
      const none = collection({ expire, maxHidden: 0 });
      await none.put(doc("a", 10));
      pass(10);
      expect(await none.get("a")).toBeUndefined();
    });
  });
}
