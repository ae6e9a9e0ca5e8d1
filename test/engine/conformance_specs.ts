/**
 * The specs of the conformance suite: small models that between them use every way of combining losses, everything a
 * step carries over to the next, and every kind of layer, on generated images. Used by `conformance.test.ts`.
 */
import { checkFile, emitModel } from "../../src/compile.ts";
import { eraseTypes } from "../../src/emit/typescript/erase.ts";
import * as runtime from "../../src/runtime/index.ts";
import type { Program } from "../../src/runtime/program.ts";
import { host } from "../check/harness.ts";
import { shapes } from "../train/shapes.ts";

interface Parts {
  readonly losses: string;
  readonly combine: string;
  readonly backbone?: string;
  readonly train?: string;
  /** How many times more than the others the losses magnify what rounding makes; 1 if absent. */
  readonly magnifies?: number;
}

const BACKBONE = "conv(6, kernel: 3) |> batch_norm |> relu |> max_pool(2)";
const PLAIN = `rank: triplet(margin: 0.4)
    soft: multi_similarity()
    arc: arcface(margin: 11deg, scale: 24)`;

const models: Readonly<Record<string, Parts>> = {
  // The form of examples/icons.dml: branches, a deeper net, AdamW with warm-up, augmented images.
  "equal, like the icon example": {
    backbone: "repeat 2 { conv(8, kernel: 3) |> batch_norm |> relu |> max_pool(2) }",
    losses: `${PLAIN}
    pull: contrastive(margin: 0.5)
    anchor: proxy_anchor()`,
    combine: "equal(rank, soft, arc, pull, anchor)",
    train: "optimizer: adamw(lr: 2e-3, clip: 10)  schedule: cosine(warmup: 5 steps)",
  },
  "learned weights, nested": {
    losses: PLAIN,
    combine: "learned(equal(rank, soft), 0.7 * arc)",
    train: "optimizer: adamw(lr: 2e-3) { weights: 2x }",
  },
  "learned, scaled by gradients at the features": {
    losses: PLAIN,
    combine: "learned(rank, soft, arc, scale: gradient_norm)",
  },
  hierarchical: {
    losses: `${PLAIN}
    many: soft_triple(centers: 2)`,
    combine: "hierarchical(by: learned) { pairs: equal(rank, soft)  proxies: learned(arc, many) }",
  },
  gated: {
    losses: PLAIN.replace(/arc:.*/, "many: soft_triple(centers: 2)"),
    combine: "gated(rank, soft, many)",
  },
  "gated, two kept": {
    losses: PLAIN.replace(/arc:.*/, "many: soft_triple(centers: 2)"),
    combine: "gated(rank, soft, many, top: 2)",
  },
  pcgrad: { losses: PLAIN, combine: "pcgrad(rank, soft, arc)" },
  uncertainty: { losses: PLAIN, combine: "uncertainty(rank, soft, arc, floor: 0.05)" },
  wedl: { losses: PLAIN, combine: "wedl(rank, soft, arc)" },
  // With this margin every proxy counts: where one begins to, the value of manifold jumps.
  "linear systems and clusters": {
    losses: `walk: manifold(proxies: 6, margin: 2)
    groups: hpl(levels: [5, 2], temperature: 0.2)
    near: magnet(clusters: 2)`,
    combine: "0.5 * walk + 0.3 * groups + 0.2 * near",
  },
  miners: {
    losses: `rank: triplet(margin: 0.4) on semi_hard()
    hard: triplet(margin: 0.4) on batch_hard()
    soft: multi_similarity() on multi_similarity()`,
    combine: "equal(rank, hard, soft)",
  },
  "a state, and a memory of earlier batches": {
    losses: `move: moving()
    pull: contrastive(margin: 0.5) against memory(24)`,
    combine: "move + 0.5 * pull",
  },
  "draws and tables": {
    losses: `rank: triplet(margin: 0.4) on distance_weighted()
    far: triplet(margin: 0.4) on distance_weighted() against memory(24)
    soft: dynamic_soft_margin(momentum: 0.2)
    near: center()
    arc: arcface(margin: 11deg, scale: 24)`,
    combine: "rank + far + soft + 0.1 * near + 0.1 * arc",
  },
  "two views, and statistics over the batch": {
    losses: `near: apart()
    flat: vicreg() with linear(8)
    rank: triplet(margin: 0.4)`,
    combine: "near + 0.05 * flat + rank",
    // The bias below vicreg has a gradient of rounding only, which Adam would blow up to full steps.
    train: "optimizer: sgd(lr: 0.05, momentum: 0.9)",
  },
  "losses over ranks and prefixes": {
    losses: `order: smooth_ap()
    ring: circle()
    sup: supcon()
    dolls: matryoshka(triplet(margin: 0.2), sizes: [2, 4])`,
    combine: "equal(order, ring, sup, dolls)",
    // Ranks are sigmoids of differences over 0.01.
    magnifies: 200,
  },
  "a loss over bins": {
    losses: "bins: histogram()",
    combine: "1 * bins",
    // The slope of a bin jumps at its edges. With steps this small hardly a similarity crosses one for rounding alone.
    train: "optimizer: sgd(lr: 1e-3, momentum: 0)",
    magnifies: 100,
  },
  "layers: residual, strides, pools, tanh, sigmoid": {
    backbone: `conv(6, kernel: 3, stride: 2) |> leaky_relu(0.1)
      |> residual { conv(6, kernel: 3) |> batch_norm |> tanh } |> avg_pool(2) |> conv(8, kernel: 1) |> sigmoid`,
    losses: PLAIN,
    combine: "equal(rank, soft, arc)",
    train: "optimizer: sgd(lr: 0.05, momentum: 0.9)",
  },
};

const spec = ({
  losses,
  combine,
  backbone = BACKBONE,
  train = "optimizer: adamw(lr: 2e-3)",
}: Parts): string => `
dataset images = folder("images") {
  image: gray(12x12), split: zero_shot(train: 0.5), augment: affine(rotate: 20deg, shift: 0.1)
}
/// Both views of a sample in one place.
loss apart() of (u, v) { mean[i] euclidean(u[i], v[i]) }
/// Pairs of one class no farther apart than the norms have been on average.
loss moving() {
  state m: real = 0 then 0.9 * m + 0.1 * mean[i] norm(x[i])
  mean[i, j | same(i, j)] relu(euclidean(x[i], x[j]) + m - 0.05)
}
model small {
  data: images
  backbone: ${backbone}
  embedding: linear(8) |> normalize
  losses { ${losses} }
  combine: ${combine}
  train { batch: 4 classes * 3 samples  steps: 20  ${train} }
  evaluate { recall_at: [1] }
}`;

/** Names of the specs. */
export const specNames: readonly string[] = Object.keys(models);

/** See `Parts.magnifies`. */
export const magnification = (name: string): number => models[name]!.magnifies ?? 1;

/** The program a spec is emitted as, over generated images of 12 classes. */
export async function programOf(name: string): Promise<Program> {
  const file = "spec.dml";
  const { diagnostics, models: plans } = checkFile(host({ [file]: spec(models[name]!) }), file)!;
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0 || plans.length !== 1)
    throw new Error(errors.map(({ message }) => message).join("\n"));
  const identity = { specFile: file, specHash: "0".repeat(64), compiler: "dmlc" };
  const emitted = await emitModel(plans[0]!, identity);
  if (!("text" in emitted)) throw new Error(emitted.diagnostics.map(({ message }) => message).join("\n"));
  const body = eraseTypes(emitted.text)
    .replace(/^import [^;]*;$/m, "")
    .replace("export default program;", "")
    .replace("await main(program, import.meta.url);", "return program;");
  const names = Object.keys(runtime);
  const program = new Function(...names, body)(...names.map((key) => runtime[key as "tf"])) as Program;
  return { ...program, data: shapes(12, 6) };
}
