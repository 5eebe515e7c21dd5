/**
 * Which groups have which role on a runner: one policy each. Policies belong to their runner's record: they are
 * hidden and come back with its lease, and go with it.
 */
import { create } from "@bufbuild/protobuf";
import { errors } from "../errors.ts";
import { ResourceOperation, ResourceType } from "../gen/gitpod/v1/event_pb.ts";
import { type RunnerPolicy, RunnerPolicySchema, RunnerRole } from "../gen/gitpod/v1/runner_pb.ts";
import { canonical, idOfName } from "../ids.ts";
import type { Switches } from "../profiles.ts";
import type { ResourceEvent } from "../store/feed.ts";
import type { Collection, Document, Store } from "../store/store.ts";
import type { Caller } from "./caller.ts";
import type { Registration } from "./lease.ts";
import { type Cursor, pageOf } from "./pagination.ts";
import type { Runners } from "./runners.ts";

/** What a request says of a policy. */
export type PolicyRequest = Pick<RunnerPolicy, "groupId" | "role"> & { readonly runnerId: string };

interface Kept {
  readonly policy: RunnerPolicy;
  readonly organizationId: string;
  /** UUID of whoever gave the role. */
  readonly creatorId: string;
}

export class Policies {
  readonly #runners: Runners;
  readonly #switches: Pick<Switches, "adminPolicies">;
  /** By the runner's and the group's id, so that a runner's policies stand side by side. */
  readonly #kept: Collection<Kept>;

  constructor(runners: Runners, store: Store, switches: Pick<Switches, "adminPolicies">) {
    this.#runners = runners;
    this.#switches = switches;
    this.#kept = store.collection("runner-policies", { event: policyEvent });
  }

  /** A page of the runner's policies, in ascending order of the groups' ids. */
  async list(runnerId: string, cursor: Cursor, caller: Caller) {
    const owner = (await this.#runners.named(runnerId, caller))?.id;
    const { items, pagination } = await pageOf(cursor, async ({ after = "", limit }) => {
      if (owner === undefined) return [];
      const page = { after: keyOf(owner, after), until: endOf(owner), limit };
      return (await this.#kept.list(page)).map(({ value: { policy } }) => ({ id: policy.groupId, policy }));
    });
    return { policies: items.map(({ policy }) => policy), pagination };
  }

  /** The policies of a runner, standing or lapsed. */
  async ofRunner(runnerId: string): Promise<RunnerPolicy[]> {
    return (await this.#kept.ownedBy(runnerId)).map(({ value: { policy } }) => policy);
  }

  /** Keeps a policy as it was. */
  async restore({ runner, organizationId }: Registration, sent: RunnerPolicy): Promise<void> {
    const policy = policyOf(sent);
    const value = { policy, organizationId, creatorId: runner.creator?.id ?? "" };
    await this.#kept.put({ id: keyOf(runner.runnerId, policy.groupId), value, owner: runner.runnerId });
  }

  /** @throws already_exists for a group that has a role on the runner */
  async create(request: PolicyRequest, caller: Caller): Promise<RunnerPolicy> {
    if (this.#switches.adminPolicies === "refuse" && request.role !== RunnerRole.USER) {
      throw errors.onlyUserPolicies();
    }
    const policy = policyOf(request);
    const runner = await this.#runners.keeping(request.runnerId, caller);
    if (runner === undefined) return policy;
    const { organizationId } = runner.value;
    const document = {
      id: keyOf(runner.id, policy.groupId),
      value: { policy, organizationId, creatorId: caller.subject.id },
      owner: runner.id,
    };
    const added = await this.#kept.put(document, { if: "absent", by: caller.subject });
    if (!added) {
      throw (await this.#kept.get(document.id)) ? errors.runnerPolicyExists() : errors.runnerNotFound();
    }
    return policy;
  }

  /** @throws not_found for a group that has no role on the runner */
  async update(request: PolicyRequest, caller: Caller): Promise<RunnerPolicy> {
    const policy = policyOf(request);
    const runner = await this.#runners.keeping(request.runnerId, caller);
    if (runner === undefined) return policy;
    for (;;) {
      const found = await this.#kept.get(keyOf(runner.id, policy.groupId));
      if (found === undefined) throw errors.runnerPolicyNotFound();
      const updated = { ...found, value: { ...found.value, policy } };
      if (await this.#kept.put(updated, { if: { unchanged: found }, by: caller.subject })) return policy;
    }
  }

  /** @throws not_found for a group that has no role on the runner */
  async delete(request: Omit<PolicyRequest, "role">, caller: Caller): Promise<void> {
    const runner = await this.#runners.named(request.runnerId, caller);
    if (runner === undefined) return;
    const taken = await this.#kept.take(keyOf(runner.id, canonical(request.groupId)), caller.subject);
    if (taken === undefined) throw errors.runnerPolicyNotFound();
  }
}

function policyOf({ groupId, role }: Pick<RunnerPolicy, "groupId" | "role">): RunnerPolicy {
  return create(RunnerPolicySchema, { groupId: canonical(groupId), role });
}

const keyOf = (runnerId: string, groupId: string) => `${runnerId}/${groupId}`;
/** What follows "/" in ASCII: the first key that belongs to no group of the runner. */
const endOf = (runnerId: string) => `${runnerId}0`;

/** The schema has no type for policies; a role assignment is what they are (GUESS), and it needs an id. */
function policyEvent(
  before: Document<Kept> | undefined,
  after: Document<Kept> | undefined,
): ResourceEvent | undefined {
  const document = after ?? before;
  if (document === undefined) return undefined;
  const { organizationId, creatorId } = document.value;
  const changed = after === undefined ? ResourceOperation.DELETE : ResourceOperation.UPDATE;
  return {
    operation: before === undefined ? ResourceOperation.CREATE : changed,
    resourceType: ResourceType.ROLE_ASSIGNMENT,
    resourceId: idOfName(`policy ${document.id}`),
    creatorId,
    organizationId,
  };
}
