/** What the run's thread and those that make images say to each other. Types only. */
import type { AugmentationRecipe } from "../types.ts";

/** Some slots of a request. */
export interface Task {
  readonly id: number;
  /** Samples of these slots alone. */
  readonly samples: Int32Array;
  readonly first: number;
  /** Slots of the whole request. */
  readonly size: number;
  readonly views: number;
  readonly augment: readonly AugmentationRecipe[];
  readonly seed: number;
  readonly step: number;
  /** Where the whole request goes, in shared memory. */
  readonly target: Float32Array;
}

/** The answer to a task. */
export interface Done {
  readonly id: number;
  /** Why it failed; with `help` it is a `DataError`. */
  readonly failed?: { readonly message: string; readonly help?: string };
}
