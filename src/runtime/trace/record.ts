/**
 * What a computation spends its time on: every kernel of the current tfjs backend is timed while the computation runs,
 * operation by operation. Called by `step_trace.ts`; changes the backend's kernels for as long as the work runs.
 */
import * as tf from "@tensorflow/tfjs-core";
import { withFlow } from "./flow.ts";
import { LossUse } from "./loss_use.ts";
import { withPhases } from "./phase.ts";
import type { PhaseListener } from "./phase.ts";
import { recorded } from "./spans.ts";
import type { Recorded, Span, TensorShape } from "./spans.ts";

/**
 * Runs `work`, which must be synchronous, and tells what it spent its time on. Operations of losses stand in parts of their
 * own: `losses/NAME` for what only one loss needs, `shared by NAME, NAME` for what several do. Those of a backward pass
 * stand in the parts whose gradient they work out.
 *
 * @param name of the whole.
 * @returns what `work` returned, and the recording, whose spans `spansOf` gives.
 */
export function record<T>(name: string, work: () => T): { result: T; recording: Recorded } {
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
    return { result, recording: whole };
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
