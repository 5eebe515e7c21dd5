/** `gitpod-runner-mock serve`: starts the mock, says where it is, and stops it when told to. */
import module from "node:module";
import { hostname } from "node:os";
import { create } from "@bufbuild/protobuf";
import { type DestinationStream, pino } from "pino";
import { systemTime } from "../clock.ts";
import { isLoopbackAddress } from "../control/guard.ts";
import { CreateRunnerRequestSchema } from "../gen/gitpod/v1/runner_pb.ts";
import { OptionError, type RunnerMockOptions, type Settings, settingsOf } from "../options.ts";
import { systemRandom } from "../random.ts";
import { type RunnerMock, startServer } from "../server.ts";
import { validators } from "../validators.ts";

/** Resolves with the exit code once the mock has stopped. */
export async function serve(flags: RunnerMockOptions): Promise<number> {
  const settings = settingsOf(flags);
  // Said here, because pino remembers them from when it is loaded, which in the image is when that is built.
  const base = { pid: process.pid, hostname: hostname() };
  const logger = pino({ name: "gitpod-runner-mock", base, level: settings.logLevel }, await logStream());
  // Listened for before the start, so that a signal is never missed.
  const signal = nextSignal();
  let mock: RunnerMock;
  try {
    mock = await startServer(settings, { time: systemTime, random: systemRandom, logger });
  } catch (error) {
    if (error instanceof OptionError) throw error;
    process.stderr.write(`error: ${explained(error, settings.host, settings.port)}\n`);
    return 1;
  }
  process.stdout.write(greeting(mock));
  setTimeout(warmUp, warmUpAfterMs, settings).unref();
  if (isOpenToOthers(settings)) {
    logger.warn(
      { controlUrl: mock.controlUrl },
      "the control service is open to other machines: set a token",
    );
  }
  logger.info({ signal: await signal }, "stopping");
  await mock.close();
  return 0;
}

/** By then whoever waits for the mock knows that it is ready, and has hardly called it. */
const warmUpAfterMs = 100;

/**
 * What the first call would wait for: rules take longer to compile than a mock to start. What has been compiled by then
 * is kept for the next start: at its end a mock may have no time for it.
 */
async function warmUp({ world }: Settings): Promise<void> {
  if (world.switches.validation === "strict") {
    const { quick } = await validators();
    quick.validate(CreateRunnerRequestSchema, create(CreateRunnerRequestSchema));
  }
  (module as { flushCompileCache?: () => void }).flushCompileCache?.();
}

/** JSON lines, or something for people's eyes where somebody is looking. */
async function logStream(): Promise<DestinationStream> {
  if (!process.stderr.isTTY) return pino.destination({ dest: 2, sync: true });
  const { default: pretty } = await import("pino-pretty");
  return pretty({ destination: 2, ignore: "pid,hostname,name", translateTime: "SYS:HH:MM:ss.l", sync: true });
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
  });
}

function greeting({ publicUrl, url, controlUrl, adversity: { settings } }: RunnerMock): string {
  return [
    `gitpod-runner-mock listens on ${url}${publicUrl === url ? "" : `, reached as ${publicUrl}`}`,
    `  RPCs    ${publicUrl}/gitpod.v1.RunnerService/… and ${publicUrl}/api/gitpod.v1.RunnerService/…`,
    `  worlds  ${publicUrl}/w/NAME and ${publicUrl}/w/NAME/api`,
    `  health  ${publicUrl}/healthz and ${publicUrl}/readyz`,
    `  control ${controlUrl === undefined ? "off" : `${controlUrl}/runnermock.v1.ControlService/…`}`,
    ...(controlUrl === undefined ? [] : [`  page    ${controlUrl}/ to look inside`]),
    ...(settings === undefined ? [] : [`  adversity, which --adversity ${settings.seed} brings about again`]),
    "Try:",
    `  curl ${publicUrl}/gitpod.v1.RunnerService/CreateRunner -H 'Content-Type: application/json' -d '{"name": "My Runner", "provider": "RUNNER_PROVIDER_AWS_EC2"}'`,
    "",
  ].join("\n");
}

/** Whether anybody on the network can make the mock obey. */
function isOpenToOthers({ host, controlPort, controlToken, auth }: Settings): boolean {
  const open = controlPort !== "off" && controlToken === undefined && auth === "open";
  return open && !isLoopbackAddress(host);
}

function explained(error: unknown, host: string, apiPort: number): string {
  const { code, port = apiPort } = error as NodeJS.ErrnoException & { port?: number };
  switch (code) {
    case "EADDRINUSE":
      return `port ${port} on ${host} is in use: stop what listens there, or choose another with ${port === apiPort ? "--port" : "--control-port"} (0 picks a free one)`;
    case "EACCES":
      return `not allowed to listen on port ${port}: choose one from 1024 on with --port`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `${host} is no address of this machine: choose another with --host`;
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
