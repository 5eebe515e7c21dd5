/**
 * Registers a runner with whatever GITPOD_BASE_URL (as the SDKs 0.x have it) or ONA_BASE_URL (as those from 1.0 on)
 * points at. With the Node SDK it would be `new Gitpod().runners.create(…)`, which reads the first by itself.
 */
const baseUrl = process.env.GITPOD_BASE_URL ?? process.env.ONA_BASE_URL;
const apiKey = process.env.GITPOD_API_KEY ?? process.env.ONA_API_KEY;

const response = await fetch(`${baseUrl}/gitpod.v1.RunnerService/CreateRunner`, {
  method: "POST",
  headers: { "content-type": "application/json", authorization: `Bearer ${apiKey}` },
  body: JSON.stringify({ name: "Composed Runner", provider: "RUNNER_PROVIDER_LINUX_HOST" }),
});
if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
const { runner } = await response.json();
console.log(`registered ${runner.name}`);
