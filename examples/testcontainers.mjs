/**
 * The mock in a container of its own, on ports that are free: with Node 22 or newer, and whatever engine Testcontainers
 * finds.
 *   npm install --save-dev gitpod-runner-mock testcontainers
 */
import { RunnerMockContainer } from "gitpod-runner-mock/testcontainers";

const mock = await new RunnerMockContainer().withProfile("observed").withOptions({ lease: "10s" }).start();
try {
  const response = await fetch(`${mock.url}/api/gitpod.v1.RunnerService/CreateRunner`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "Contained Runner", provider: "RUNNER_PROVIDER_AWS_EC2" }),
  });
  const { runner } = await response.json();
  await mock.control.advanceClock({ by: { seconds: 11n } });
  const { calls } = await mock.control.listCalls({ filter: { rpc: "CreateRunner" } });
  console.log(
    `${runner.name}: ${calls.length} call, in ${mock.url === mock.controlUrl ? "one" : "two"} addresses`,
  );
} finally {
  await mock.stop();
}
