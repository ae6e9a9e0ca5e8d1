/**
 * Captured functions: a pure function over tensors runs once as it is while the engine records what it does, and from
 * then on the record runs in its place, without the work of putting it together again. Called by the trainer (the
 * training step) and by whatever embeds many samples; the engine gives the `Recorder`.
 *
 * The function must be pure and of static shape: what it does may depend on the types and shapes of its arguments and
 * on nothing else. Numbers that change come in as tensors. This is held against the function itself: the first call
 * that finds a recording runs both and compares, and where they disagree, or the engine refuses, the function goes on
 * as it is and the reason is said once.
 */
import type * as tf from "@tensorflow/tfjs-core";
import { disagreement } from "./agreement.ts";
import { CaptureRefused } from "./recorder.ts";
import type { Carried, Recorder, Recording, TensorFunction } from "./recorder.ts";
import { flatten, signature } from "./tree.ts";
import type { Flattened, TensorTree } from "./tree.ts";

export interface CaptureOptions<A extends readonly unknown[] = never, R = never> {
  /** What the function is: `training step`. */
  readonly label: string;
  /** Told once for each form of the arguments: that it is captured, or why it is not. */
  readonly say?: (message: string, captured: boolean) => void;
  /**
   * Tensors of the arguments, each with the one of the result that takes its place in the next call: an engine may keep
   * these where it computes. Any other use of them is still right, and slower.
   */
  readonly carried?: (args: A, result: R) => readonly (readonly [tf.Tensor, tf.Tensor])[];
}

export interface Captured<A extends readonly unknown[], R> {
  (...args: A): R;
  /** Lets go of all recordings; a later call records anew. */
  dispose(): void;
}

/** What is known of one form of the arguments. */
interface Entry {
  recording: Recording | undefined;
  /** Whether the recording has been held against the function. */
  proven: boolean;
  restore: Flattened["restore"];
}

/**
 * The captured form of `fn`.
 *
 * @param recorder the engine's; undefined where the engine has none: then `fn` itself runs.
 * @param fn its arguments and result are trees of tensors (`TensorTree`); results are the caller's, and may hold some of the arguments.
 */
export function capture<A extends readonly unknown[], R>(
  recorder: Recorder | undefined,
  fn: (...args: A) => R,
  options: CaptureOptions<A, R>,
): Captured<A, R> {
  const entries = new Map<string, Entry>();
  const { label, say = () => undefined } = options;

  const run = (args: A): R => {
    const flat = flatten(args as unknown as readonly TensorTree[]);
    let restore!: Flattened["restore"];
    const overLists: TensorFunction = (inputs) => {
      const result = flatten(fn(...(flat.restore(inputs) as unknown as A)) as TensorTree);
      restore = result.restore;
      return result.tensors;
    };
    const key = signature(flat.tensors);
    const entry = entries.get(key);
    if (recorder === undefined || (entry !== undefined && entry.recording === undefined)) return fn(...args);
    if (entry === undefined) {
      try {
        const carried = (outputs: readonly tf.Tensor[]): Carried[] =>
          (options.carried?.(args, restore(outputs) as R) ?? []).map(([from, to]) => ({
            input: flat.tensors.indexOf(from),
            output: outputs.indexOf(to),
          }));
        const { outputs, recording } = recorder.record(label, overLists, flat.tensors, carried);
        entries.set(key, { recording, proven: false, restore });
        return restore(outputs) as R;
      } catch (error) {
        if (!(error instanceof CaptureRefused)) throw error;
        say(`${label}: not captured, because ${error.message}; it runs operation by operation`, false);
        entries.set(key, { recording: undefined, proven: true, restore });
        return fn(...args);
      }
    }
    const replayed = entry.recording!.replay(flat.tensors);
    if (entry.proven) return entry.restore(replayed) as R;
    const expected = overLists(flat.tensors);
    const difference = disagreement(expected, replayed);
    disposeNew(replayed, [...flat.tensors, ...expected]);
    entry.proven = true;
    if (difference === undefined) {
      say(`${label}: captured`, true);
    } else {
      say(
        `${label}: the captured form gave something else (${difference}); it runs operation by operation`,
        false,
      );
      entry.recording!.dispose();
      entry.recording = undefined;
    }
    return restore(expected) as R;
  };

  return Object.assign((...args: A): R => run(args), {
    dispose(): void {
      for (const { recording } of entries.values()) recording?.dispose();
      entries.clear();
    },
  });
}

function disposeNew(tensors: readonly tf.Tensor[], kept: readonly tf.Tensor[]): void {
  for (const tensor of tensors) if (!kept.includes(tensor)) tensor.dispose();
}
