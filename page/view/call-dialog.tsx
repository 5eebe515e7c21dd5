/** One call: what was asked and answered, why it failed, and how to make it again. */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Call, Call_Error } from "../../src/gen/runnermock/v1/control_pb.ts";
import { Explanation_Blame } from "../../src/gen/runnermock/v1/explanation_pb.ts";
import { curlOf } from "../curl.ts";
import { callById } from "../state/calls.ts";
import { apiUrl } from "../state/worlds.ts";
import { callerOf, codeOf, methodOf, protocolOf, spanOf, timeOfDay } from "../words.ts";
import { Dialog } from "./dialog.tsx";
import { Json } from "./json.tsx";
import { Scrollable } from "./scrollable.tsx";

export function CallDialog({ call: opened }: { call: Call }) {
  // A stream goes on while it is looked at; a call may be in the list no longer.
  const call = callById(opened.callId) ?? opened;
  const { rpc, at, caller, userAgent, messages, faultId, adversity, error, request, reply } = call;
  return (
    <Dialog title={methodOf(call)}>
      <dl>
        <Fact name="RPC" value={rpc} />
        <Fact name="Code" value={codeOf(call)} />
        <Fact name="Caller" value={`${callerOf(caller)} ${caller?.id ?? ""}`} />
        <Fact name="Protocol" value={`${protocolOf(call)} ${call.contentType}`} />
        <Fact name="Client" value={userAgent} />
        <Fact name="At" value={`${timeOfDay(at)}, for ${spanOf(call.duration)}`} />
        {messages > 0 && <Fact name="Messages" value={String(messages)} />}
        {faultId !== "" && <Fact name="Fault" value={faultId} />}
        {adversity && (
          <Fact name="Adversity" value={`${adversity.kinds.join(", ")}; seed ${adversity.seed}`} />
        )}
      </dl>
      {error !== undefined && <Failure error={error} />}
      <h3>Request</h3>
      {request === undefined ? <p>It could not be read.</p> : <Json label="Request" value={request} />}
      {reply !== undefined && (
        <>
          <h3>Reply</h3>
          <Json label="Reply" value={reply} />
        </>
      )}
      <h3>Again</h3>
      <Curl text={curlOf(call, apiUrl.value)} />
    </Dialog>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Failure({ error: { code, message, explanation } }: { error: Call_Error }) {
  return (
    <section class="failure" aria-label="Why it failed">
      <p>
        <strong>{code}</strong>: {message}
      </p>
      {explanation !== undefined && (
        <dl>
          <Fact name="Error" value={explanation.error} />
          {explanation.rule !== "" && <Fact name="Rule" value={explanation.rule} />}
          {explanation.field !== "" && <Fact name="Field" value={explanation.field} />}
          <Fact name="Whose doing" value={Explanation_Blame[explanation.blame] ?? ""} />
          <Fact name="Remedy" value={explanation.remedy} />
        </dl>
      )}
    </section>
  );
}

function Curl({ text }: { text: string }) {
  const shown = useRef<HTMLPreElement>(null);
  const outcome = useSignal("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      outcome.value = "Copied.";
    } catch {
      // Browsers give the clipboard to pages of this machine and of TLS alone.
      if (shown.current !== null) getSelection()?.selectAllChildren(shown.current);
      outcome.value = "It is selected: copy it from here.";
    }
  };
  return (
    <>
      <Scrollable label="As curl">
        <pre ref={shown}>{text}</pre>
      </Scrollable>
      <p class="actions">
        <button type="button" onClick={copy}>
          Copy as curl
        </button>{" "}
        <span role="status">{outcome.value}</span>
      </p>
      {/\[hidden\]|Bearer TOKEN/.test(text) && <p>Secrets are not in the log: put them in yourself.</p>}
    </>
  );
}
