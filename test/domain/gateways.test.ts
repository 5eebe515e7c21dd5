/** ListGateways: the gateways of the state document, page by page. */
import { createConnectTransport } from "@connectrpc/connect-node";
import { describe, expect } from "vitest";
import { GatewayService } from "../../src/gen/gitpod/v1/gateway_pb.ts";
import { failureOf, type TestMock } from "../support/mock.ts";
import { sharing, test } from "../support/shared-mock.ts";
import { violationsOf } from "../support/violations.ts";

async function page(mock: TestMock, pagination?: { pageSize?: number; token?: string }) {
  const answer = await mock.client(GatewayService).listGateways(pagination ? { pagination } : {});
  const gateways = answer.gateways.map(({ name, url, region }) => ({ name, url, region }));
  return {
    gateways,
    names: gateways.map(({ name }) => name),
    nextToken: answer.pagination?.nextToken ?? "missing",
  };
}

const defaultGateways = [
  { name: "eu-central", url: "https://eu-central.gateway.example", region: "eu-central-1" },
  { name: "us-west", url: "https://us-west.gateway.example", region: "us-west-2" },
];

const names = Array.from({ length: 102 }, (_, index) => `gateway-${String(index).padStart(3, "0")}`);
/** In the document the last is first. */
const many = sharing({
  state: { gateways: names.toReversed().map((name) => ({ name, url: `https://${name}.example` })) },
});

test("by default there are two gateways, in order of name", async ({ shared }) => {
  expect(await page(shared)).toMatchObject({ gateways: defaultGateways, nextToken: "" });
});

many("a state document puts its own in their place, with or without a region", async ({ shared }) => {
  const { gateways } = await page(shared, { pageSize: 1 });
  expect(gateways).toEqual([{ name: "gateway-000", url: "https://gateway-000.example", region: "" }]);
});

sharing({ state: { scm: {} } })(
  "a state document that has none keeps the default ones",
  async ({ shared }) => {
    expect((await page(shared)).gateways).toEqual(defaultGateways);
  },
);

many("every world has them", async ({ shared }) => {
  const elsewhere = shared.client(GatewayService, { path: "/w/elsewhere" });
  const { gateways } = await elsewhere.listGateways({ pagination: { pageSize: 100 } });
  expect(gateways.map(({ name }) => name)).toEqual(names.slice(0, 100));
});

describe("the pages", () => {
  many.for([
    [undefined, 25],
    [0, 25],
    [1, 1],
    [34, 34],
    [51, 51],
    [100, 100],
  ] as const)(
    "for a page_size of %j hold %i, in order of name, until there are none left",
    async ([pageSize, length], { shared }) => {
      const sizes: number[] = [];
      const seen: string[] = [];
      let token = "";
      do {
        const next = await page(shared, { ...(pageSize !== undefined && { pageSize }), token });
        sizes.push(next.names.length);
        seen.push(...next.names);
        token = next.nextToken;
      } while (token !== "" && sizes.length <= names.length);
      const full = Array.from({ length: Math.floor(names.length / length) }, () => length);
      const rest = names.length % length;
      expect(sizes).toEqual(rest === 0 ? full : [...full, rest]);
      expect(seen).toEqual(names);
    },
  );

  test.for([-1, 101])("cannot hold %i", async (pageSize, { shared }) => {
    const call = page(shared, { pageSize });
    expect(await violationsOf(call)).toEqual(["pagination.page_size int32.gte_lte"]);
  });

  test.for(["x", "us-west", "2/2/2", Buffer.from("eu-central").toString("base64url")])(
    "are not found by a token that none of them ended with: %j",
    async (token, { shared }) => {
      expect(await failureOf(page(shared, { token }))).toBe(
        `invalid_argument: invalid pagination token ${JSON.stringify(token)}`,
      );
    },
  );
});

describe("by GET", () => {
  const get = async (mock: TestMock, message: unknown, path = "/gitpod.v1.GatewayService") => {
    const query = new URLSearchParams({ connect: "v1", encoding: "json", message: JSON.stringify(message) });
    const response = await fetch(`${mock.url}${path}/ListGateways?${query}`);
    return { status: response.status, body: JSON.parse(await response.text()) };
  };

  test.for(["/gitpod.v1.GatewayService", "/api/gitpod.v1.GatewayService"])(
    "the answer at %s is the same",
    async (path, { shared }) => {
      const { status, body } = await get(shared, {}, path);
      expect({ status, gateways: body.gateways }).toEqual({ status: 200, gateways: defaultGateways });
    },
  );

  test("the message in the query names the page", async ({ shared }) => {
    const { nextToken: token } = await page(shared, { pageSize: 1 });
    const { body } = await get(shared, { pagination: { pageSize: 1, token } });
    expect(body).toEqual({ gateways: defaultGateways.slice(1), pagination: {} });
    expect(await get(shared, { pagination: { token: "x" } })).toMatchObject({
      status: 400,
      body: { code: "invalid_argument", message: 'invalid pagination token "x"' },
    });
  });

  test.for([true, false])("a typed client gets them, in binary: %j", async (useBinaryFormat, { shared }) => {
    const client = shared.client(GatewayService, {
      transport: (baseUrl) =>
        createConnectTransport({ baseUrl, httpVersion: "1.1", useHttpGet: true, useBinaryFormat }),
    });
    const { gateways } = await client.listGateways({ pagination: { pageSize: 2 } });
    expect(gateways.map(({ name }) => name)).toEqual(defaultGateways.map(({ name }) => name));
  });
});
