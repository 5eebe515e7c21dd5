/** `/metrics` for Prometheus: what is called and how it ends, and what there is in the worlds when somebody asks. */
import type { DescMethod } from "@bufbuild/protobuf";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { rpcOf } from "../api.ts";
import { RunnerPhase } from "../gen/gitpod/v1/runner_pb.ts";
import type { Worlds } from "../worlds.ts";

/** In seconds: a mock answers in less than a millisecond, unless it is told to be slow. */
const durationBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];

export class Metrics {
  readonly #registry = new Registry();
  readonly #calls: Counter<"rpc" | "code">;
  readonly #durations: Histogram<"rpc">;

  constructor(worlds: Worlds) {
    const registers = [this.#registry];
    this.#calls = new Counter({
      name: "runner_mock_calls_total",
      help: "Calls that have ended, by RPC and code.",
      labelNames: ["rpc", "code"],
      registers,
    });
    this.#durations = new Histogram({
      name: "runner_mock_call_duration_seconds",
      help: "How long calls took, in the machine's time.",
      labelNames: ["rpc"],
      buckets: durationBuckets,
      registers,
    });
    new Gauge({
      name: "runner_mock_worlds",
      help: "Worlds that there are.",
      registers,
      async collect() {
        this.set(await worlds.count());
      },
    });
    new Gauge({
      name: "runner_mock_runners",
      help: "Standing runners, by world and phase.",
      labelNames: ["world", "phase"],
      registers,
      async collect() {
        this.reset();
        for (const { world } of await worlds.list()) {
          for (const [phase, count] of await world.runners.countByPhase()) {
            this.set({ world: world.name, phase: RunnerPhase[phase] ?? String(phase) }, count);
          }
        }
      },
    });
    new Gauge({
      name: "runner_mock_faults_fired",
      help: "How often faults have fired, by world; it begins anew with a fresh world.",
      labelNames: ["world"],
      registers,
      async collect() {
        this.reset();
        for (const { world } of await worlds.list())
          this.set({ world: world.name }, await world.faults.fired());
      },
    });
  }

  /** Takes note of a call that has ended. @param code `ok`, or such as `not_found` */
  readonly observe = (method: DescMethod, code: string, durationMs: number): void => {
    const rpc = rpcOf(method);
    this.#calls.inc({ rpc, code });
    this.#durations.observe({ rpc }, durationMs / 1_000);
  };

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** As Prometheus reads them. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
