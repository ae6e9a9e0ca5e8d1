/**
 * What a computation spends its time on: every kernel of the current tfjs backend is timed while the computation runs,
 * operation by operation. Called by `trace.ts`; changes the backend's kernels for as long as the work runs.
 */
import * as tf from "@tensorflow/tfjs-core";
import { withPhases } from "./phase.ts";

export type TensorShape = readonly number[];

/** A stretch of time: a kernel's, a named part's, or that of the whole. Spans of one recording nest. */
export interface Span {
  readonly name: string;
  readonly kind: "whole" | "phase" | "kernel";
  /** The named parts around it, outermost first. */
  readonly phases: readonly string[];
  /** Milliseconds from the start of the recording. */
  readonly start: number;
  readonly end: number;
  /** Milliseconds less those of the kernels within. */
  readonly own: number;
  /** Shapes of a kernel's tensors, its inputs by their names. */
  readonly inputs: Readonly<Record<string, TensorShape>>;
  readonly outputs: readonly TensorShape[];
}

/** A span that has not ended. */
interface Open extends Pick<Span, "name" | "kind" | "phases" | "start" | "inputs"> {
  /** Milliseconds of the kernels within. */
  inner: number;
}

/**
 * Runs `work`, which must be synchronous, and tells what it spent its time on.
 *
 * @param name of the whole.
 * @returns what `work` returned, and the spans in the order in which they began, the whole first.
 */
export function recordSpans<T>(name: string, work: () => T): { result: T; spans: Span[] } {
  const began = performance.now();
  const spans: Span[] = [];
  const open: Open[] = [];

  const begin = (kind: Span["kind"], called: string, inputs: Span["inputs"] = {}): void => {
    const phases = open.filter((span) => span.kind === "phase").map((span) => span.name);
    open.push({ name: called, kind, phases, start: performance.now() - began, inputs, inner: 0 });
  };
  const end = (outputs: readonly TensorShape[] = []): void => {
    const { inner, ...span } = open.pop()!;
    const at = performance.now() - began;
    const whole = at - span.start;
    const around = open.at(-1);
    // A kernel counts once for all that stands around it: a part hands on what it has within.
    if (around !== undefined) around.inner += span.kind === "kernel" ? whole : inner;
    spans.push({ ...span, end: at, own: whole - inner, outputs });
  };

  const kernels = tf.getKernelsForBackend(tf.getBackend());
  const shipped = kernels.map((config) => config.kernelFunc);
  for (const config of kernels) {
    const { kernelFunc } = config;
    config.kernelFunc = (call) => {
      begin("kernel", config.kernelName, inputShapes(call.inputs));
      let outputs: readonly TensorShape[] = [];
      try {
        const made = kernelFunc(call);
        outputs = (Array.isArray(made) ? made : [made]).map(({ shape }) => [...shape]);
        return made;
      } finally {
        end(outputs);
      }
    };
  }
  try {
    begin("whole", name);
    const result = withPhases({ begin: (called) => begin("phase", called), end: () => end() }, work);
    end();
    return { result, spans: spans.sort((a, b) => a.start - b.start || b.end - a.end) };
  } finally {
    kernels.forEach((config, k) => (config.kernelFunc = shipped[k]!));
  }
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
