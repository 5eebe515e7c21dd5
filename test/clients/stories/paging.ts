import { expect } from "vitest";
import type { RpcName } from "../client.ts";
import { linuxHost, productionRunner, type Story } from "./story.ts";

const create = "RunnerService/CreateRunner";
const list: RpcName = "RunnerService/ListRunners";

export const paging: Story = {
  title: "lists are read page by page to their ends, each item once",
  async tell(teller) {
    const idsBy: Record<string, string[]> = { [productionRunner.provider]: [], [linuxHost.provider]: [] };
    const all: string[] = [];
    for (let index = 0; index < 9; index++) {
      const request = index % 3 === 0 ? linuxHost : productionRunner;
      const { runner } = await teller.answers(create, request, {});
      all.push(runner.runnerId);
      idsBy[request.provider]?.push(runner.runnerId);
    }
    const ids = async (request: Parameters<typeof teller.lists>[1], pages: number) =>
      (await teller.lists(list, request, "runners", pages)).map(({ runnerId }) => runnerId);
    expect(await ids({}, 1)).toEqual(all);
    expect(await ids({ pagination: { pageSize: 4 } }, 3)).toEqual(all);
    const filter = { providers: [linuxHost.provider] };
    expect(await ids({ filter, pagination: { pageSize: 2 } }, 2)).toEqual(idsBy[linuxHost.provider]);

    const entries = await teller.lists(
      "EventService/ListAuditLogs",
      { pagination: { pageSize: 4 } },
      "entries",
      3,
    );
    expect(entries.map(({ subjectId }) => subjectId)).toEqual(all.toReversed());

    await teller.fails(
      list,
      { pagination: { token: "page-2" } },
      { code: "invalid_argument", message: 'invalid pagination token "page-2"' },
    );
  },
};
