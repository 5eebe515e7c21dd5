/**
 * A client's test, as a campaign runs it: registers runners, waits until they are seen, lists them. It calls again what
 * may be called again. Three bugs are planted in it; `without BUG …` mends them:
 *   last-page  takes a page that is shorter than asked for the last one
 *   redirect   takes a redirect for a failure
 *   phase      fails on a phase that it does not know
 */
const mended = process.argv.slice(3);
const base = process.env.GITPOD_BASE_URL;
const runners = 5;
const pageSize = 4;

const hasBug = (name) => !mended.includes(name);

async function call(rpc, message, isAgain = false) {
  const response = await fetch(`${base}/gitpod.v1.${rpc}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(message),
    redirect: hasBug("redirect") ? "error" : "follow",
  });
  const answer = await response.json();
  if (response.ok) return answer;
  const mayBeCalledAgain = ["unavailable", "resource_exhausted"].includes(answer.code);
  if (mayBeCalledAgain && !isAgain) return call(rpc, message, true);
  throw Object.assign(new Error(`${rpc}: ${answer.code}: ${answer.message}`), { code: answer.code });
}

async function seen(runnerId) {
  try {
    return (await call("RunnerService/GetRunner", { runnerId })).runner;
  } catch (error) {
    if (error.code !== "not_found") throw error;
    return (await call("RunnerService/GetRunner", { runnerId })).runner;
  }
}

for (let number = 1; number <= runners; number++) {
  const message = { name: `Runner ${number}`, provider: "RUNNER_PROVIDER_AWS_EC2" };
  const { runner } = await call("RunnerService/CreateRunner", message);
  const { phase } = (await seen(runner.runnerId)).status;
  const isKnown = /^RUNNER_PHASE_(CREATED|INACTIVE|ACTIVE|DEGRADED|DELETING|DELETED)$/.test(phase);
  if (hasBug("phase") && !isKnown) throw new Error(`what is ${phase}?`);
}

let listed = 0;
for (let token = ""; token !== undefined; ) {
  const page = await call("RunnerService/ListRunners", { pagination: { pageSize, token } });
  listed += page.runners.length;
  const isLast = hasBug("last-page") ? page.runners.length < pageSize : !page.pagination?.nextToken;
  token = isLast ? undefined : page.pagination?.nextToken;
}
if (listed !== runners) throw new Error(`listed ${listed} runners of ${runners}`);
