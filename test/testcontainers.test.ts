/** What can be told without a container engine; `test/container/` has the rest. */
import { expect, test } from "vitest";
import { OptionError } from "../src/options.ts";
import { RunnerMockContainer, type RunnerMockContainerOptions } from "../src/testcontainers.ts";

test.each<[options: object, problem: string]>([
  [{ lease: "soon" }, 'option lease: got "soon", takes a duration longer than 0'],
  [{ profile: "lenient" }, 'option profile: got "lenient", takes one of documented, observed, permissive'],
  [{ leese: "5s" }, 'option leese: got "5s", takes nothing: there is none of that name'],
  [{ port: 9000 }, "option port: got 9000, takes nothing in a container: withExposedPorts binds"],
  [{ controlPort: "off" }, 'option controlPort: got "off", takes nothing in a container'],
  [{ token: { alice: "a,b" } }, "option token: got a value that is not shown, takes in a container what a"],
])("withOptions refuses %j before there is a container", (options, problem) => {
  const container = new RunnerMockContainer();
  expect(() => container.withOptions(options as RunnerMockContainerOptions)).toThrow(OptionError);
  expect(() => container.withOptions(options as RunnerMockContainerOptions)).toThrow(problem);
});
