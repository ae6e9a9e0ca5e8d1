/**
 * What a computation spends its time on: every kernel of the current tfjs backend is timed while the computation runs,
 * operation by operation. Called by `trace.ts`; changes the backend's kernels for as long as the work runs.
 */
import * as tf from "@tensorflow/tfjs-core";
import { withFlow } from "./flow.ts";
import { LossUse } from "./loss_use.ts";
import type { Use } from "./loss_use.ts";
import { withPhases } from "./phase.ts";
import type { PhaseListener } from "./phase.ts";

export type TensorShape = readonly number[];

/** A stretch of time: a kernel's, a named part's, or that of the whole. Spans of one recording nest. */
export interface Span {
  readonly name: string;
  readonly kind: "whole" | "phase" | "kernel";
  /** The named parts around it, outermost first. */
  readonly phases: readonly string[];
  /** Of a kernel: the losses that need it, in the program's order; none for what is no loss's work. */
  readonly losses: readonly string[];
  /** Milliseconds from the start of the recording. */
  readonly start: number;
  readonly end: number;
  /** Milliseconds less those of the kernels within. */
  readonly own: number;
  /** Shapes of a kernel's tensors, its inputs by their names. */
  readonly inputs: Readonly<Record<string, TensorShape>>;
  readonly outputs: readonly TensorShape[];
}

/** A span while it is recorded, with what runs within. */
interface Recorded extends Pick<Span, "name" | "kind" | "start" | "inputs"> {
  end: number;
  outputs: readonly TensorShape[];
  readonly within: Recorded[];
  /** What a kernel is for, unless it runs within another. */
  use?: Use;
}

/**
 * Runs `work`, which must be synchronous, and tells what it spent its time on. Operations of losses stand in parts of their
 * own: `losses/NAME` for what only one loss needs, `shared by NAME, NAME` for what several do. Those of a backward pass
 * stand in the parts whose gradient they work out.
 *
 * @param name of the whole.
 * @returns what `work` returned, and the spans in the order in which they began, the whole first.
 */
export function recordSpans<T>(name: string, work: () => T): { result: T; spans: Span[] } {
  const began = performance.now();
  const use = new LossUse();
  const whole = recorded("whole", name, 0);
  const open = [whole];

  const begin = (kind: Span["kind"], called: string, inputs: Span["inputs"] = {}): Recorded => {
    const span = recorded(kind, called, performance.now() - began, inputs);
    open.at(-1)!.within.push(span);
    open.push(span);
    return span;
  };
  const end = (): void => {
    open.pop()!.end = performance.now() - began;
  };

  const kernels = tf.getKernelsForBackend(tf.getBackend());
  const shipped = kernels.map((config) => config.kernelFunc);
  for (const config of kernels) {
    const { kernelFunc } = config;
    config.kernelFunc = (call) => {
      const isWithin = open.at(-1)!.kind === "kernel";
      const span = begin("kernel", config.kernelName, inputShapes(call.inputs));
      let made: ReturnType<typeof kernelFunc>;
      try {
        made = kernelFunc(call);
      } finally {
        end();
      }
      const outputs = Array.isArray(made) ? made : [made];
      span.outputs = outputs.map(({ shape }) => [...shape]);
      if (!isWithin) span.use = use.operation(call.inputs, outputs);
      return made;
    };
  }
  const phases: PhaseListener = {
    begin(called) {
      use.beginPart(called);
      begin("phase", called);
    },
    end() {
      end();
      use.endPart();
    },
  };
  try {
    const result = withFlow(use, () => withPhases(phases, work));
    end();
    use.finish();
    return { result, spans: spansOf(inParts(whole)) };
  } finally {
    kernels.forEach((config, k) => (config.kernelFunc = shipped[k]!));
  }
}

const recorded = (
  kind: Span["kind"],
  name: string,
  start: number,
  inputs: Span["inputs"] = {},
): Recorded => ({ kind, name, start, end: start, inputs, outputs: [], within: [] });

/** A recording with the parts that its operations belong to put around them: one around those that follow each other. */
function inParts(span: Recorded): Recorded {
  if (span.kind === "kernel") return span;
  const parts = span.within.map((inner) => ({ inner: inParts(inner), of: inner.use?.parts ?? [] }));
  return { ...span, within: joined(parts) };
}

type Placed = { readonly inner: Recorded; readonly of: readonly string[] };

function joined(spans: readonly Placed[], depth = 0): Recorded[] {
  const all: Recorded[] = [];
  for (let at = 0; at < spans.length;) {
    const { inner, of } = spans[at]!;
    const part = of[depth];
    const next = spans.findIndex((span, k) => k > at && span.of[depth] !== part);
    const run = spans.slice(at, next < 0 ? spans.length : next);
    if (part === undefined) all.push(...run.map((span) => span.inner));
    else {
      const end = run.at(-1)!.inner.end;
      all.push({ ...recorded("phase", part, inner.start), end, within: joined(run, depth + 1) });
    }
    at += run.length;
  }
  return all;
}

/** The spans of a recording, each before those within it. */
function spansOf(span: Recorded, phases: readonly string[] = [], losses: readonly string[] = []): Span[] {
  const { name, kind, start, end, inputs, outputs } = span;
  const needing = span.use?.losses ?? losses;
  const own = end - start - kernelsMs(span.within);
  const inside = kind === "phase" ? [...phases, name] : phases;
  return [
    { name, kind, phases, losses: needing, start, end, own, inputs, outputs },
    ...span.within.flatMap((inner) => spansOf(inner, inside, needing)),
  ];
}

/** Milliseconds of the kernels in spans; a kernel counts once, with those that it calls. */
function kernelsMs(spans: readonly Recorded[]): number {
  return spans.reduce(
    (ms, { kind, start, end, within }) => ms + (kind === "kernel" ? end - start : kernelsMs(within)),
    0,
  );
}

/** Operations over lists of tensors name them by their places; an input that may be absent is left out. */
function inputShapes(inputs: tf.NamedTensorInfoMap): Record<string, TensorShape> {
  return Object.fromEntries(
    Object.entries(inputs ?? {}).flatMap(([name, input]) =>
      input === undefined || input === null ? [] : [[name, [...input.shape]]],
    ),
  );
}

/**
 * Whether operations of the current backend return before they have been computed, as on a GPU: their times are then
 * those of issuing them.
 */
export function returnsEarly(): boolean {
  const { isUsingGpuDevice } = tf.backend() as { readonly isUsingGpuDevice?: boolean };
  return tf.getBackend() === "webgpu" || isUsingGpuDevice === true;
}
