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
import { flatten, pairsOf, signature } from "./tree.ts";
import type { Flattened, TensorTree } from "./tree.ts";

/** What the caller passes from call to call: two trees of one form. */
export interface CarriedParts<A extends readonly unknown[], R, N> {
  /** The part of the arguments that a result takes the place of. */
  readonly from: (...args: A) => N;
  /** The part of the result that takes its place in the next call. */
  readonly to: (result: R) => N;
}

export interface CaptureOptions<A extends readonly unknown[] = never, R = never, N = never> {
  /** What the function is: `training step`. */
  readonly label: string;
  /** Told once for each form of the arguments: that it is captured, or why it is not. */
  readonly say?: (message: string, captured: boolean) => void;
  /**
   * What is passed from call to call: an engine may keep these tensors where it computes. Any other use of them is still
   * right, and slower.
   */
  readonly carried?: CarriedParts<A, R, N>;
}

export interface Captured<A extends readonly unknown[], R, N = never> {
  (...args: A): R;
  /**
   * The carried part of the result alone, for a caller that reads the carried part of these arguments no more and only
   * disposes of it: the engine may write the one in the place of the other, and need not compute the rest.
   */
  advance(...args: A): N;
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
export function capture<A extends readonly unknown[], R, N = never>(
  recorder: Recorder | undefined,
  fn: (...args: A) => R,
  options: CaptureOptions<A, R, N>,
): Captured<A, R, N> {
  const entries = new Map<string, Entry>();
  const { label, say = () => undefined } = options;

  const run = (args: A, only: boolean): R => {
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
        const carried = (outputs: readonly tf.Tensor[]): Carried[] => {
          if (options.carried === undefined) return [];
          const { from, to } = options.carried;
          const pairs = pairsOf(from(...args) as TensorTree, to(restore(outputs) as R) as TensorTree);
          return pairs.map(([before, after]) => ({
            input: flat.tensors.indexOf(before),
            output: outputs.indexOf(after),
          }));
        };
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
    const recording = entry.recording!;
    if (entry.proven) {
      const results = only ? recording.advance?.(flat.tensors) : undefined;
      return entry.restore(results ?? recording.replay(flat.tensors)) as R;
    }
    const replayed = recording.replay(flat.tensors);
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
      recording.dispose();
      entry.recording = undefined;
    }
    return restore(expected) as R;
  };

  return Object.assign((...args: A): R => run(args, false), {
    advance(...args: A): N {
      const result = run(args, true);
      const next = options.carried!.to(result);
      const kept = [next, args].flatMap((tree) => flatten(tree as TensorTree).tensors);
      disposeNew(flatten(result as TensorTree).tensors, kept);
      return next;
    },
    dispose(): void {
      for (const { recording } of entries.values()) recording?.dispose();
      entries.clear();
    },
  });
}

function disposeNew(tensors: readonly tf.Tensor[], kept: readonly tf.Tensor[]): void {
  const keeping = new Set(kept);
  for (const tensor of tensors) if (!keeping.has(tensor)) tensor.dispose();
}
