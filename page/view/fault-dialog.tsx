/** Adds a fault: which calls, and what becomes of them. What takes more than this form is for a client to inject. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { useSignal } from "@preact/signals";
import { apiServices, rpcOf } from "../../src/api.ts";
import type { FaultSchema } from "../../src/gen/runnermock/v1/control_pb.ts";
import { control } from "../state/control.ts";
import { attempt, open } from "../state/dialog.ts";
import { readFaults } from "../state/faults.ts";
import { world } from "../state/worlds.ts";
import { Dialog } from "./dialog.tsx";
import { Choice, Field, optionsOf } from "./fields.tsx";
import { numberIn, submitting, textIn } from "./form.ts";

type FaultInit = Exclude<MessageInitShape<typeof FaultSchema>, { $typeName: string }>;
type Effect = NonNullable<FaultInit["effect"]>;
type EffectName =
  | "error"
  | "emptyReply"
  | "reset"
  | "miss"
  | "pageCap"
  | "repeatedPageToken"
  | "redirect"
  | "cutStream"
  | "none";

const effects: readonly (readonly [EffectName, string])[] = [
  ["error", "it fails"],
  ["emptyReply", "it succeeds without doing anything"],
  ["reset", "its connection breaks off"],
  ["miss", "it does not see what was written just before"],
  ["pageCap", "it gets small pages"],
  ["repeatedPageToken", "it gets the same page token again"],
  ["cutStream", "its stream breaks off"],
  ["redirect", "it is sent elsewhere"],
  ["none", "nothing but the delay"],
];

const codes = [
  "unavailable",
  "resource_exhausted",
  "deadline_exceeded",
  "internal",
  "unknown",
  "canceled",
  "aborted",
  "not_found",
  "already_exists",
  "permission_denied",
  "unauthenticated",
  "failed_precondition",
  "invalid_argument",
  "out_of_range",
  "unimplemented",
  "data_loss",
];

export function FaultDialog() {
  const effect = useSignal<EffectName>("error");
  const inject = async (form: FormData) => {
    const done = await attempt(async () => {
      await control.injectFault({ world: world.value, fault: faultOf(form) });
      await readFaults();
    });
    if (done) open(undefined);
  };
  return (
    <Dialog title="Add a fault">
      <form onSubmit={submitting(inject)}>
        <Choice name="rpc" label="Calls of">
          <option value="">all RPCs</option>
          {apiServices.map((service) => (
            <optgroup key={service.typeName} label={service.name}>
              {service.methods.map((method) => (
                <option key={method.name} value={rpcOf(method)}>
                  {method.name}
                </option>
              ))}
            </optgroup>
          ))}
        </Choice>
        <Field name="runnerId" label="that name the runner (id; empty: any)" />
        <Field name="nth" label="from which of them on (empty: the first)" number={{ min: 1, step: 1 }} />
        <Field name="count" label="how often (empty: until it is removed)" number={{ min: 1, step: 1 }} />
        <Field
          name="probability"
          label="how likely (empty: always)"
          number={{ min: 0, max: 1, step: "any" }}
        />
        <Field name="delayMs" label="Delay in milliseconds (empty: none)" number={{ min: 0, step: 1 }} />
        <Choice
          name="effect"
          label="Then"
          value={effect.value}
          onChoose={(name) => {
            effect.value = name as EffectName;
          }}
        >
          {effects.map(([name, text]) => (
            <option key={name} value={name}>
              {text}
            </option>
          ))}
        </Choice>
        <EffectFields effect={effect.value} />
        <button type="submit">Inject</button>
      </form>
    </Dialog>
  );
}

function EffectFields({ effect }: { effect: EffectName }) {
  switch (effect) {
    case "error":
      return (
        <>
          <Choice name="code" label="Code">
            {optionsOf(codes)}
          </Choice>
          <Field name="message" label="Message" />
          <Field
            name="retryMs"
            label="Retry after, in milliseconds (empty: unsaid)"
            number={{ min: 0, step: 1 }}
          />
        </>
      );
    case "miss":
      return (
        <Field name="withinMs" label="For how many milliseconds" required number={{ min: 0, step: 1 }} />
      );
    case "pageCap":
      return (
        <Field name="size" label="Most entries on a page" required number={{ min: 1, max: 100, step: 1 }} />
      );
    case "cutStream":
      return (
        <Field name="after" label="After how many messages (empty: at once)" number={{ min: 0, step: 1 }} />
      );
    case "redirect":
      return <Field name="location" label="Where to: a path or a URL" required />;
    default:
      return null;
  }
}

function faultOf(form: FormData): FaultInit {
  const probability = textIn(form, "probability");
  const delayMs = numberIn(form, "delayMs");
  return {
    match: {
      rpc: textIn(form, "rpc"),
      runnerId: textIn(form, "runnerId"),
      nth: numberIn(form, "nth"),
      count: numberIn(form, "count"),
      ...(probability !== "" && { probability: Number(probability) }),
    },
    ...(delayMs > 0 && { delay: durationFromMs(delayMs) }),
    effect: effectOf(form),
  };
}

function effectOf(form: FormData): Effect {
  const retryMs = numberIn(form, "retryMs");
  switch (textIn(form, "effect") as EffectName) {
    case "error":
      return {
        case: "error",
        value: {
          code: textIn(form, "code"),
          message: textIn(form, "message"),
          ...(retryMs > 0 && { retryDelay: durationFromMs(retryMs) }),
        },
      };
    case "emptyReply":
      return { case: "emptyReply", value: {} };
    case "reset":
      return { case: "reset", value: {} };
    case "miss":
      return { case: "miss", value: { within: durationFromMs(numberIn(form, "withinMs")) } };
    case "pageCap":
      return { case: "pageCap", value: { size: numberIn(form, "size") } };
    case "repeatedPageToken":
      return { case: "repeatedPageToken", value: {} };
    case "cutStream":
      return { case: "cutStream", value: { after: numberIn(form, "after"), error: { code: "unavailable" } } };
    case "redirect":
      return { case: "redirect", value: { location: textIn(form, "location") } };
    case "none":
      return { case: undefined };
  }
}
