/**
 * For integration suites: the mock's image as a container of Testcontainers.
 *
 * @example
 * import { RunnerMockContainer } from "gitpod-runner-mock/testcontainers";
 * const mock = await new RunnerMockContainer().withProfile("observed").start();
 * const client = new MyClient(mock.url);
 * await mock.control.advanceClock({ by: { seconds: 31n } });
 * await mock.stop();
 */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { AbstractStartedContainer, GenericContainer, type StartedTestContainer, Wait } from "testcontainers";
import { baseUrl, type Scheme } from "./base-url.ts";
import { ControlService } from "./gen/runnermock/v1/control_pb.ts";
import {
  badValue,
  type OptionName,
  optionTable,
  type RunnerMockOptions,
  settingsOf,
  variableOf,
} from "./options.ts";
import type { Profile } from "./profiles.ts";
import { isPem } from "./tls.ts";

/** Inside the container these stay as the image has them; Testcontainers says where they are reached. */
export type RunnerMockContainerOptions = Omit<RunnerMockOptions, "host" | "port" | "controlPort">;

const apiPort = Number(optionTable.port.default);
const controlPort = apiPort + 1;

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** A mock in a container of its own, not yet started. What GenericContainer can, it can, too. */
export class RunnerMockContainer extends GenericContainer {
  #options: RunnerMockContainerOptions = {};

  /** @param image the mock's image, by default the one of this package's version */
  constructor(image = `gitpod-runner-mock:${version}`) {
    super(image);
    this.withExposedPorts(apiPort, controlPort);
  }

  /** The values of all switches that withOptions does not set. Default: `documented`. */
  withProfile(profile: Profile): this {
    return this.withOptions({ profile });
  }

  /**
   * The same options as startRunnerMock's; those given before stay. Paths are of this machine: what a file holds is
   * copied into the container. ID tokens, and worlds in the control client's answers, name `publicUrl`, which nobody
   * else can know: where that matters, pair it with a fixed port, `withExposedPorts({ container: 8080, host: 8080 })`.
   *
   * @throws OptionError for an option that does not take its value
   */
  withOptions(options: RunnerMockContainerOptions): this {
    const all = { ...this.#options, ...options };
    settingsOf(all);
    for (const [name, value] of Object.entries(all) as [OptionName, unknown][]) refuseUnsayable(name, value);
    this.#options = all;
    return this;
  }

  /** Resolves once the mock is ready. */
  override async start(): Promise<StartedRunnerMockContainer> {
    for (const [name, value] of Object.entries(this.#options) as [OptionName, unknown][]) {
      if (value !== undefined) await this.#set(name, value);
    }
    const isTls = this.#options.tlsCert !== undefined;
    const ready = Wait.forHttp("/readyz", apiPort);
    this.withWaitStrategy(isTls ? ready.usingTls().allowInsecure() : ready);
    return new StartedRunnerMockContainer(
      await super.start(),
      isTls ? "https" : "http",
      this.#options.controlToken,
    );
  }

  async #set(name: OptionName, value: unknown): Promise<void> {
    if (!isFile(name)) {
      const { write = String } = optionTable[name];
      this.withEnvironment({ [variableOf(name)]: write(value) });
      return;
    }
    const target = `/run/gitpod-runner-mock/${name}`;
    // With a mode for whoever the image runs as: a key's own would keep it from that user.
    this.withCopyContentToContainer([{ content: await contentOf(value), target, mode: 0o444 }]);
    this.withEnvironment({ [variableOf(name)]: target });
  }
}

/** @throws OptionError for what is the image's to say, and for what no variable can */
function refuseUnsayable(name: OptionName, value: unknown): void {
  const { read, write = String } = optionTable[name];
  if (name === "host" || name === "port" || name === "controlPort") {
    throw badValue(name, value, "nothing in a container: withExposedPorts binds its ports to others");
  }
  if (value === undefined || isFile(name)) return;
  const text = write(value);
  // An empty variable is as good as none.
  if (text !== "" && !isDeepStrictEqual(read(text), read(value))) {
    throw badValue(name, value, "in a container what a variable can say, so no comma in a token");
  }
}

/** Whether the option's value is a file's path, or what that file holds. */
function isFile(name: OptionName): boolean {
  return optionTable[name].placeholder === "file";
}

/** What the file of an option holds, which may be given in its place. */
async function contentOf(value: unknown): Promise<string> {
  if (typeof value !== "string") return JSON.stringify(value);
  return isPem(value) ? value : readFile(value, "utf8");
}

/** A mock that is ready in its container. */
export class StartedRunnerMockContainer extends AbstractStartedContainer {
  readonly #scheme: Scheme;
  readonly #controlToken: string | undefined;

  constructor(container: StartedTestContainer, scheme: Scheme, controlToken: string | undefined) {
    super(container);
    this.#scheme = scheme;
    this.#controlToken = controlToken;
  }

  /** The base URL for clients on this machine, without a slash at the end. Another one after a restart. */
  get url(): string {
    return baseUrl(this.#scheme, this.getHost(), this.getMappedPort(apiPort));
  }

  /** The base URL of the control service. Another one after a restart. */
  get controlUrl(): string {
    return baseUrl(this.#scheme, this.getHost(), this.getMappedPort(controlPort));
  }

  /** The base URL of a world, which comes into being on first use. */
  worldUrl(world: string): string {
    return `${this.url}/w/${world}`;
  }

  /** A client of the control service: moves the time, orders failures, reads calls, loads state. */
  get control(): Client<typeof ControlService> {
    const bearer = this.#controlToken;
    return createClient(
      ControlService,
      createConnectTransport({
        baseUrl: this.controlUrl,
        httpVersion: "1.1",
        // Its certificate is one of the test's own making, as Wait takes it for above.
        nodeOptions: { rejectUnauthorized: false },
        interceptors: [
          (next) => (request) => {
            if (bearer !== undefined) request.header.set("authorization", `Bearer ${bearer}`);
            return next(request);
          },
        ],
      }),
    );
  }
}
