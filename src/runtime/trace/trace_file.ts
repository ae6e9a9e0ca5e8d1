/**
 * The profile of a training step as a file: `trace.json` in the trace event format of Chrome, which Perfetto and
 * chrome://tracing open (Duca & Sinclair, Trace Event Format, 2016). Pure; the run writes it.
 */
import type { Span } from "./spans.ts";
import type { StepTrace } from "./step_trace.ts";

/** What the file says beside the events. */
export interface TraceMetadata {
  readonly model: string;
  readonly spec_hash: string;
  readonly engine: string;
  /** One line, with its version and device. */
  readonly engine_description: string;
  readonly seed: number;
  /** Whether training ran the step captured; absent where training ended before that was known. */
  readonly captured?: boolean;
  /** Median milliseconds of training's last steps, batch included, once the step was captured. */
  readonly training_ms_per_step?: number;
}

/** Said where operations return before they have been computed. */
export const EARLY_NOTE =
  "operations on a GPU return before they have been computed: these are the times of issuing them, not of computing them";

/** The text of `trace.json`. Times in microseconds; `own` in an event's arguments leaves out the kernels within. */
export function traceText(trace: StepTrace, metadata: TraceMetadata): string {
  const place = { pid: 1, tid: 1 };
  const named = (name: string, value: string) => ({ name, ph: "M", ...place, args: { name: value } });
  const events = [
    named("process_name", `dmlc run: ${metadata.model}`),
    named("thread_name", "training step, operation by operation"),
    ...trace.spans.map((span) => ({
      name: span.name,
      cat: span.kind === "kernel" ? (span.phases[0] ?? "step") : span.kind,
      ph: "X",
      ts: nanoseconds(span.start) / 1e3,
      dur: (nanoseconds(span.end) - nanoseconds(span.start)) / 1e3,
      ...place,
      args: argumentsOf(span),
    })),
  ];
  const said = {
    ...metadata,
    times: trace.returnsEarly ? EARLY_NOTE : "each operation has ended when the next begins",
  };
  return `${JSON.stringify({ displayTimeUnit: "ms", otherData: said, traceEvents: events })}\n`;
}

function argumentsOf(span: Span): Record<string, unknown> {
  const own = { own: nanoseconds(span.own) / 1e3 };
  if (span.kind !== "kernel") return own;
  const losses = span.losses.length === 0 ? {} : { losses: span.losses };
  return { inputs: span.inputs, outputs: span.outputs, phase: span.phases.join("/"), ...losses, ...own };
}

/** Whole ones, of milliseconds: spans that nest still do. */
const nanoseconds = (ms: number): number => Math.round(ms * 1e6);
