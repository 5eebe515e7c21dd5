/** What a world knows besides its runners: source code hosts, gateways, and what can be configured. One document of it. */
import { create } from "@bufbuild/protobuf";
import { ScmSchema, type State, StateSchema } from "../gen/runnermock/v1/state_pb.ts";
import type { Collection, Document, Store } from "../store/store.ts";
import type { Schemas } from "./configuration/schemas.ts";
import { ScmHosts } from "./scm/hosts.ts";

/** The part of a state document that it is. */
type Known = Pick<State, "scm" | "gateways" | "configurationSchemas">;

interface Kept {
  /** Without runners. */
  readonly state: State;
}

const documentId = "known";
const nothing = create(StateSchema);

export class Knowledge {
  readonly #kept: Collection<Kept>;
  /** The hosts, and of which state they are. */
  #hosts: { readonly of: State; readonly found: ScmHosts } | undefined;
  readonly schemas: Schemas;

  constructor(store: Store) {
    this.#kept = store.collection<Kept>("knowledge", { messages: { state: StateSchema }, mirrored: true });
    const configured = () => this.#state.configurationSchemas;
    this.schemas = {
      get all() {
        return configured();
      },
    };
  }

  get hosts(): ScmHosts {
    const state = this.#state;
    if (this.#hosts?.of !== state) this.#hosts = { of: state, found: new ScmHosts(state.scm?.hosts ?? []) };
    return this.#hosts.found;
  }

  get gateways(): State["gateways"] {
    return this.#state.gateways;
  }

  /** Adds to what there is. What has a name that is there already takes its place. */
  async add({ scm, gateways, configurationSchemas }: Known): Promise<void> {
    for (;;) {
      const found: Document<Kept> | undefined = await this.#kept.get(documentId);
      const { state } = found?.value ?? { state: nothing };
      const hosts = scm?.hosts ?? [];
      const added = create(StateSchema, {
        scm: create(ScmSchema, {
          hosts: replaced(state.scm?.hosts ?? [], hosts, ({ host }) => host.toLowerCase()),
        }),
        gateways: replaced(state.gateways, gateways, ({ name }) => name),
        configurationSchemas: replaced(
          state.configurationSchemas,
          configurationSchemas,
          ({ provider }) => provider,
        ),
      });
      const condition = found === undefined ? "absent" : { unchanged: found };
      if (await this.#kept.put({ id: documentId, value: { state: added } }, { if: condition })) return;
    }
  }

  get #state(): State {
    return this.#kept.mirror()[0]?.value.state ?? nothing;
  }
}

/** What there is, with others in the place of those that have the same key. */
function replaced<T>(all: readonly T[], others: readonly T[], keyOf: (item: T) => unknown): T[] {
  const keys = new Set(others.map(keyOf));
  return [...all.filter((item) => !keys.has(keyOf(item))), ...others];
}
