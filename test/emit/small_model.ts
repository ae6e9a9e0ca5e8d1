/** A model of a small net and the losses that a test asks for, as its plan. */
import { checkFile } from "../../src/compile.ts";
import type { ModelPlan } from "../../src/plan/plan.ts";
import { host } from "../check/harness.ts";

export interface SmallModel {
  /** `equal` of all losses by default. */
  readonly combine?: string;
  readonly optimizer?: string;
  /** Stages of the data set. */
  readonly augment?: string;
  readonly embedding?: string;
}

const equally = (losses: string): string =>
  `equal(${[...losses.matchAll(/^(\w+): /gm)].map(([, name]) => name).join(", ")})`;

/**
 * The plan of a model with these losses, one a line. Beside those of the library there are `apart`, of two views, and
 * `moving`, which keeps a mean of norms. Throws what is wrong with the spec.
 */
export function smallModel(
  losses: string,
  {
    combine = equally(losses),
    optimizer = "adamw(lr: 3e-3)",
    augment,
    embedding = "linear(8) |> normalize",
  }: SmallModel = {},
): ModelPlan {
  const stages = augment === undefined ? "" : `, augment: ${augment}`;
  const text = `
dataset images = folder("images") { image: gray(12x12), split: zero_shot(train: 0.5)${stages} }
loss apart() of (u, v) { mean[i] euclidean(u[i], v[i]) }
loss moving() {
  state m: real = 0 then 0.9 * m + 0.1 * mean[i] norm(x[i])
  mean[i, j | same(i, j)] relu(euclidean(x[i], x[j]) + m - 0.05)
}
model small {
  data: images
  backbone: conv(4, kernel: 3) |> relu |> max_pool(2)
  embedding: ${embedding}
  losses { ${losses} }
  combine: ${combine}
  train { batch: 4 classes * 3 samples  steps: 4  optimizer: ${optimizer} }
  evaluate { recall_at: [1] }
}`;
  const { diagnostics, models } = checkFile(host({ "spec.dml": text }), "spec.dml")!;
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0 || models.length !== 1)
    throw new Error(errors.map(({ message }) => message).join("\n"));
  return models[0]!;
}
