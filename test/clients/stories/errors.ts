import { expect } from "vitest";
import type { RpcName } from "../client.ts";
import type { Teller } from "../teller.ts";
import { productionRunner, runnerNotFound, type Story, unknownId } from "./story.ts";

const create: RpcName = "RunnerService/CreateRunner";
const get: RpcName = "RunnerService/GetRunner";
const list: RpcName = "RunnerService/ListRunners";

export const errors: Story = {
  title: "errors arrive with code and text, and are retried as the client sees fit",
  async tell(teller) {
    const { mock } = teller;
    await teller.fails(get, { runnerId: unknownId }, runnerNotFound);
    await teller.fails(
      create,
      { ...productionRunner, name: "ab" },
      { code: "invalid_argument", message: "name: must be at least 3 characters" },
    );
    await teller.fails(
      get,
      { runnerId: "runner-1" },
      { code: "invalid_argument", message: "must be a valid UUID" },
    );
    await teller.fails(list, {}, { code: "unauthenticated" }, "rmock_access_unheard-of");
    const { accessToken } = await teller.answers(create, productionRunner, {});
    await teller.fails(get, { runnerId: unknownId }, { code: "permission_denied" }, accessToken);

    // What the generated SDKs obey, so that a retry is not a matter of seconds.
    const headers = { "retry-after-ms": "1" };
    for (const code of ["already_exists", "resource_exhausted", "unavailable", "failed_precondition"]) {
      const message = `ordered: ${code}`;
      const once = { case: "error", value: { code, message, headers } } as const;
      const fault = await mock.faults.inject({ match: { rpc: "ListRunners" }, effect: once });
      const failing = await teller.callsOf(list, () => teller.fails(list, {}, { code, message }));
      expect([code, failing]).toEqual([code, attempts(teller, code)]);
      await mock.faults.remove(fault.faultId);
    }
  },
};

const attempts = ({ kind }: Teller, code: string) => kind.attempts?.[code] ?? 1;
