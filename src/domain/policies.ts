/**
 * Which groups have which role on a runner: one policy each. Policies belong to their runner's record: they are
 * hidden and come back with its lease, and go with it.
 */
import { create } from "@bufbuild/protobuf";
import type { Clock } from "../clock.ts";
import { errors } from "../errors.ts";
import { ResourceType } from "../gen/gitpod/v1/event_pb.ts";
import { type RunnerPolicy, RunnerPolicySchema, RunnerRole } from "../gen/gitpod/v1/runner_pb.ts";
import { canonical, idOfName } from "../ids.ts";
import type { Switches } from "../profiles.ts";
import type { Store } from "../store/store.ts";
import { Belongings } from "./belongings.ts";
import type { Caller } from "./caller.ts";
import type { Registration } from "./lease.ts";
import { type Cursor, pageOf } from "./pagination.ts";
import type { Runners } from "./runners.ts";

/** What a request says of a policy. */
export type PolicyRequest = Pick<RunnerPolicy, "groupId" | "role"> & { readonly runnerId: string };

export class Policies {
  readonly #runners: Runners;
  readonly #switches: Pick<Switches, "adminPolicies">;
  /** By the runner's and the group's id, so that a runner's policies stand side by side. */
  readonly #kept: Belongings<RunnerPolicy>;

  constructor(clock: Clock, runners: Runners, store: Store, switches: Pick<Switches, "adminPolicies">) {
    this.#runners = runners;
    this.#switches = switches;
    this.#kept = new Belongings(clock, store, {
      collection: "runner-policies",
      desc: RunnerPolicySchema,
      // The schema has no type for policies; a role assignment is what they are (GUESS), and it needs an id.
      resourceType: ResourceType.ROLE_ASSIGNMENT,
      resourceIdOf: (key) => idOfName(`policy ${key}`),
      notFound: errors.runnerPolicyNotFound,
      exists: errors.runnerPolicyExists,
    });
  }

  /** A page of the runner's policies, in ascending order of the groups' ids. */
  async list(runnerId: string, cursor: Cursor, caller: Caller) {
    const owner = (await this.#runners.named(runnerId, caller))?.id;
    const { items, pagination } = await pageOf(cursor, async ({ after = "", limit }) => {
      if (owner === undefined) return [];
      const page = { after: keyOf(owner, after), until: endOf(owner), limit };
      return (await this.#kept.list(page)).map(({ value: { value } }) => ({ id: value.groupId, value }));
    });
    return { policies: items.map(({ value }) => value), pagination };
  }

  /** The policies of a runner, standing or lapsed. */
  async ofRunner(runnerId: string): Promise<RunnerPolicy[]> {
    return (await this.#kept.ofRunner(runnerId)).map(({ value: { value } }) => value);
  }

  /** Keeps a policy as it was. */
  async restore(registration: Registration, sent: RunnerPolicy): Promise<void> {
    const policy = policyOf(sent);
    await this.#kept.restore(keyOf(registration.runner.runnerId, policy.groupId), policy, registration);
  }

  /** @throws already_exists for a group that has a role on the runner */
  async create(request: PolicyRequest, caller: Caller): Promise<RunnerPolicy> {
    if (this.#switches.adminPolicies === "refuse" && request.role !== RunnerRole.USER) {
      throw errors.onlyUserPolicies();
    }
    const policy = policyOf(request);
    const runner = await this.#runners.keeping(request.runnerId, caller);
    if (runner !== undefined) await this.#kept.add(keyOf(runner.id, policy.groupId), policy, runner, caller);
    return policy;
  }

  /** @throws not_found for a group that has no role on the runner */
  async update(request: PolicyRequest, caller: Caller): Promise<RunnerPolicy> {
    const policy = policyOf(request);
    const runner = await this.#runners.keeping(request.runnerId, caller);
    if (runner === undefined) return policy;
    return this.#kept.change(keyOf(runner.id, policy.groupId), () => policy, caller.subject);
  }

  /** @throws not_found for a group that has no role on the runner */
  async delete(request: Omit<PolicyRequest, "role">, caller: Caller): Promise<void> {
    const runner = await this.#runners.named(request.runnerId, caller);
    if (runner === undefined) return;
    await this.#kept.remove(keyOf(runner.id, canonical(request.groupId)), caller.subject);
  }
}

function policyOf({ groupId, role }: Pick<RunnerPolicy, "groupId" | "role">): RunnerPolicy {
  return create(RunnerPolicySchema, { groupId: canonical(groupId), role });
}

const keyOf = (runnerId: string, groupId: string) => `${runnerId}/${groupId}`;
/** What follows "/" in ASCII: the first key that belongs to no group of the runner. */
const endOf = (runnerId: string) => `${runnerId}0`;
