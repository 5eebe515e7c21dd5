/** One runner: all that is known of it, its tokens, and what can be done to it. */
import { create, toJson } from "@bufbuild/protobuf";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { RunnerSchema } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { Token } from "../../src/gen/runnermock/v1/control_pb.ts";
import { TokenKind } from "../../src/gen/runnermock/v1/runner_pb.ts";
import { control } from "../state/control.ts";
import { attempt } from "../state/dialog.ts";
import { runnerById, runners } from "../state/runners.ts";
import { world } from "../state/worlds.ts";
import { phaseOf, timeOfDay } from "../words.ts";
import { Dialog } from "./dialog.tsx";
import { Json } from "./json.tsx";

export function RunnerDialog({ runnerId }: { runnerId: string }) {
  const tokens = useSignal<readonly Token[]>([]);
  const current = runners.value && runnerById(runnerId);
  const named = { world: world.value, runnerId };
  useEffect(() => {
    void attempt(async () => {
      tokens.value = (await control.listTokens(named)).tokens;
    });
  }, [current]);
  if (current === undefined)
    return (
      <Dialog title="Runner">
        <p>It is gone.</p>
      </Dialog>
    );
  const end = (token: string) => attempt(() => control.expireToken({ world: world.value, token }));
  return (
    <Dialog title={current.runner?.name || runnerId}>
      <p>
        <code>{runnerId}</code>, {phaseOf(current)}
      </p>
      <p class="actions">
        <button type="button" onClick={() => attempt(() => control.renewRunner(named))}>
          Renew its lease
        </button>
        <button
          type="button"
          disabled={current.lapsed}
          onClick={() => attempt(() => control.lapseRunner(named))}
        >
          Let it lapse
        </button>
      </p>
      <h3>Tokens that work</h3>
      <ul class="tokens">
        {tokens.value.map(({ tokenId, kind, createdAt, expiresAt }) => (
          <li key={tokenId}>
            {TokenKind[kind]}, issued at {timeOfDay(createdAt)},{" "}
            {expiresAt === undefined ? "as long as the runner's record" : `until ${timeOfDay(expiresAt)}`}{" "}
            <button
              type="button"
              aria-label={`Expire the ${TokenKind[kind]} token ${tokenId.slice(0, 6)}`}
              onClick={() => end(tokenId)}
            >
              Expire
            </button>
          </li>
        ))}
      </ul>
      <h3>As users see it</h3>
      <Json label="Runner" value={toJson(RunnerSchema, current.runner ?? create(RunnerSchema))} />
    </Dialog>
  );
}
