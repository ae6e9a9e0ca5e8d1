/**
 * What a spec that says nothing gets. Small enough to train on a laptop, and the same numbers the examples show; every
 * default of a primitive (`adamw(lr: …)`) stands in its signature in the standard library instead. Data only.
 */
import type { EvaluatePlan } from "../plan/plan.ts";

export const defaults = {
  /** A data set without `split`: by class, with the primitive's own shares. */
  split: "zero_shot",
  train: {
    /** 16 classes of 4 samples: the smallest batch with several positives for each anchor. */
    batch: { classes: 16, samples: 4 },
    optimizer: "adamw",
    schedule: "constant",
    steps: 1000,
    /** Without `select`, the parameters of the last step. */
    select: "last",
    precision: "float32",
    seed: 0,
  },
  /** Without `evaluate`, all there is to measure. */
  evaluate: {
    recallAt: [1, 2, 4, 8],
    mapAtR: true,
    rPrecision: true,
    nmi: true,
    knnAccuracy: 3,
  } satisfies EvaluatePlan,
} as const;
