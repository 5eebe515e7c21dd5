/** A client of a mock's control service. */
import { type Client, createClient } from "@connectrpc/connect";
import { ControlService } from "../../src/gen/runnermock/v1/control_pb.ts";
import { bearing, connectJson, type TestMock, test as withMock } from "./mock.ts";

export type ControlClient = Client<typeof ControlService>;

export function controlOf(mock: TestMock, { bearer, transport = connectJson }: ControlOptions = {}) {
  if (mock.controlUrl === undefined) throw new Error("this mock has no control service");
  const target = transport(mock.controlUrl);
  return createClient(ControlService, bearer === undefined ? target : bearing(target, `Bearer ${bearer}`));
}

interface ControlOptions {
  readonly bearer?: string;
  readonly transport?: typeof connectJson;
}

/** A mock with a control service on a free port, and a client of it. */
export const test = withMock.extend<{ mock: TestMock; control: ControlClient }>({
  mock: async ({ start }, use) => use(await start({ controlPort: 0 })),
  control: async ({ mock }, use) => use(controlOf(mock)),
});
