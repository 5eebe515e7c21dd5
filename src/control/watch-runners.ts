/**
 * WatchRunners. Each step looks at all runners and tells of those that are others than at the step before: documents
 * are never changed in place, so that is one comparison each. Nothing is kept up to date for it elsewhere, and calls
 * cost the same whether somebody watches or not.
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { HostTime } from "../clock.ts";
import { delay } from "../delay.ts";
import type { RegistrationDocument } from "../domain/lease.ts";
import type { TokenKind } from "../domain/tokens.ts";
import { RegisteredRunnerSchema, type WatchRunnersResponseSchema } from "../gen/runnermock/v1/control_pb.ts";
import type { World } from "../world.ts";
import { clockOf } from "./clock.ts";

/** From one step to the next, in the machine's time. */
export const stepMs = 250;

/** Between steps is at least so many times as long as they take, however many runners there are. */
const restFactor = 10;

/** How many runners are in one message, and looked at before others have their turn. */
const pieceSize = 250;

interface Told {
  readonly document: RegistrationDocument;
  readonly tokens: Record<TokenKind, number>;
}

type Response = MessageInitShape<typeof WatchRunnersResponseSchema>;

/** @param current the world as it is now; it throws once there is none */
export async function* watchRunners(
  current: () => Promise<World>,
  host: HostTime,
  signal: AbortSignal,
): AsyncGenerator<Response> {
  let told = new Map<string, Told>();
  for (;;) {
    const begunMs = host.monotonicMs();
    const world = await current();
    const now = new Map<string, Told>();
    const documents = await world.runners.all();
    for (let from = 0; from < documents.length; from += pieceSize) {
      const changed: Told[] = [];
      for (const document of documents.slice(from, from + pieceSize)) {
        const before = told.get(document.id);
        const seen = { document, tokens: await world.tokens.count(document.id) };
        now.set(document.id, seen);
        if (before === undefined || !isSame(before, seen)) changed.push(seen);
      }
      if (changed.length > 0) yield { ...common(world), runners: changed.map(inWorld(world)), more: true };
      await host.turn();
    }
    const gone = [...told.keys()].filter((id) => !now.has(id));
    told = now;
    yield { ...common(world), gone, more: false };
    await delay(Math.max(stepMs, restFactor * (host.monotonicMs() - begunMs)), host, signal);
  }
}

function common(world: World) {
  return { clock: clockOf(world), lease: durationFromMs(world.runners.lease.lengthMs) };
}

function isSame(one: Told, other: Told): boolean {
  return (
    one.document === other.document &&
    one.tokens.exchange === other.tokens.exchange &&
    one.tokens.access === other.tokens.access &&
    one.tokens.logs === other.tokens.logs
  );
}

function inWorld({ runners }: World) {
  return ({ document, tokens }: Told) => {
    const endsAtMs = runners.lease.endsAtMs(document);
    return create(RegisteredRunnerSchema, {
      runner: runners.shown(document.value.runner),
      lapsed: document.hidden ?? false,
      exchangeTokens: tokens.exchange,
      accessTokens: tokens.access,
      logsTokens: tokens.logs,
      ...(endsAtMs !== undefined && { leaseEndsAt: timestampFromMs(endsAtMs) }),
    });
  };
}
