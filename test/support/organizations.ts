/** Two organizations in one mock: the default one, and another that only some tokens belong to. */
import { EventService } from "../../src/gen/gitpod/v1/event_pb.ts";
import { IdentityService } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { IdentitiesJson } from "../../src/gen/runnermock/v1/identities_pb.ts";
import type { TestMock } from "./mock.ts";

export const elsewhere = { id: "5c2e1f0a-9b8d-4e7c-a6f5-00000000000b", tier: "core" };
export const managerId = "5c2e1f0a-9b8d-4e7c-a6f5-00000000000d";

/** For the option of that name. */
export const identities: IdentitiesJson = {
  identities: [
    { token: "bob-token", organization: elsewhere },
    { token: "bill-token", organization: { ...elsewhere, id: elsewhere.id.toUpperCase() } },
    {
      token: "manager-token",
      principal: "PRINCIPAL_RUNNER_MANAGER",
      id: managerId,
      organization: elsewhere,
    },
  ],
};

/** A user of each organization: Alice, the default user, and Bob. */
export function usersOf(mock: TestMock, world?: string) {
  const path = world === undefined ? "" : `/w/${world}`;
  const userWith = (bearer?: string) => ({
    runner: mock.client(RunnerService, { bearer, path }),
    identity: mock.client(IdentityService, { bearer, path }),
    events: mock.client(EventService, { bearer, path }),
  });
  return { alice: userWith(), bob: userWith("bob-token") };
}

export type User = ReturnType<typeof usersOf>["alice"];
