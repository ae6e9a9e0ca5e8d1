/**
 * What an engine must offer so that functions on it can be captured: see `capture.ts`. Types only; implemented by
 * `tensorflow/` (one TensorFlow graph) and `wasm/capture/` (a list of kernel calls).
 */
import type * as tf from "@tensorflow/tfjs-core";

/** A function over lists of tensors. It owns nothing: its results are new tensors, or some of its inputs. */
export type TensorFunction = (inputs: readonly tf.Tensor[]) => readonly tf.Tensor[];

/** A recorded function, for inputs of the types and shapes it was recorded with. */
export interface Recording {
  /**
   * Does on `inputs` what the recorded function did. The results are new tensors of the caller's; where the recorded
   * function returned one of its inputs, that input.
   */
  replay(inputs: readonly tf.Tensor[]): tf.Tensor[];
  /**
   * The same for a caller that reads the carried inputs no more, only disposes of them, and of the results wants the
   * carried ones alone: those may be written in the place of these, and the others left out. `replay` where absent.
   */
  advance?(inputs: readonly tf.Tensor[]): (tf.Tensor | undefined)[];
  /** Lets go of what the recording holds. */
  dispose(): void;
}

/** What one run of a function under record gave. */
export interface Recorded {
  /** The function's own results on these inputs; the caller's. */
  readonly outputs: readonly tf.Tensor[];
  readonly recording: Recording;
}

/** Why something cannot be captured: said to the user, who loses speed and nothing else. */
export class CaptureRefused extends Error {
  override name = "CaptureRefused";
}

/** A result that is the next call's argument, by their places: the engine may keep it where it is. */
export interface Carried {
  readonly input: number;
  readonly output: number;
}

export interface Recorder {
  /**
   * Runs `fn` on `inputs` as it is, and records what the engine did.
   *
   * @param label what it is, for messages and profiles: `training step`.
   * @param carried which of these results the caller means to pass as which argument next time; a hint.
   * @throws CaptureRefused when what it did cannot be repeated on other inputs; what `fn` throws passes through.
   */
  record(
    label: string,
    fn: TensorFunction,
    inputs: readonly tf.Tensor[],
    carried?: (outputs: readonly tf.Tensor[]) => readonly Carried[],
  ): Recorded;
}
