/**
 * `wedl(…)`: the published ensemble of losses, as its authors' code has it (Zabihzadeh, Alitbi & Mousavirad 2023, eq. 8
 * and 11; variant WEDL, one head a loss). With m losses, α = 1/(4m) and trainable c:
 *
 *     w_j = c_j² + α,   l̂_j = (l̄ / l̄_j) · l_j,
 *     L = Σ_j w_j · l̂_j + η · (Σ_j w_j − 1)² + λ · [2 − mean_{i<j} mean_b ‖f_i(x_b) − f_j(x_b)‖]₊
 *
 * where l̄_j is the running mean of l_j, l̄ the mean of these, both held. At inference z = [√w_1 · f_1, …, √w_m · f_m].
 *
 * Two departures, neither of which changes a run that the original survives: a step without a valid tuple leaves a
 * running mean as it is, and the means are at least 1e-8 (a loss that is 0 at first makes the original NaN).
 */
import * as tf from "@tensorflow/tfjs-core";
import { untracked } from "../ops/untracked.ts";
import { norm } from "../ops/vectors.ts";
import type { CombineContext, Combined, HeadWeights, Net, ParameterSpec } from "../program.ts";
import { splitWeights } from "./head_weights.ts";
import type { OperandHeads } from "./head_weights.ts";
import { detachedEntries, entry, passedUp, total } from "./node.ts";
import { scaled } from "./scale.ts";

export interface WedlOptions {
  /** λ; 0.01 where absent, as in the authors' demonstration. */
  readonly diversity?: number;
  /** η; 1e4 where absent, as in the authors' code. */
  readonly penalty?: number;
}

const DIVERSITY = 0.01;
const PENALTY = 1e4;

/** Parameters of `wedl` at `path` over m operands: `path/c` [m], at which the weights are 1/m, or the normalised prior. */
export function wedlParameters(
  path: string,
  operands: number,
  options: { readonly prior?: readonly number[] } = {},
): ParameterSpec[] {
  const prior = options.prior ?? Array.from({ length: operands }, () => 1);
  const sum = prior.reduce((all, share) => all + share, 0);
  const initial = prior.map((share) => {
    const above = share / sum - floorOf(operands);
    if (!(above >= 0))
      throw new Error(`wedl: prior ${share} of ${sum} is below the floor ${floorOf(operands)}`);
    return Math.sqrt(above);
  });
  return [
    {
      name: `${path}/c`,
      shape: [operands],
      init: () => Float32Array.from(initial),
      group: "weights",
      decay: false,
      trainable: true,
    },
  ];
}

const floorOf = (operands: number): number => 1 / (4 * operands);

function weightsOf(net: Net, path: string): tf.Tensor1D {
  const c = net.param(`${path}/c`) as tf.Tensor1D;
  return tf.add(tf.square(c), floorOf(c.size)) as tf.Tensor1D;
}

/**
 * The objective above. Its state is `scaleState(path, operands.length)`.
 *
 * @param heads names of the heads below the operands, each once; all as wide.
 * @throws if their widths differ.
 */
export function wedl(
  context: CombineContext,
  path: string,
  operands: readonly Combined[],
  heads: readonly string[],
  options: WedlOptions = {},
): Combined {
  const { net } = context;
  const weights = weightsOf(net, path);
  const { values, scales } = scaled(net, path, operands);
  const mean = untracked(() => tf.mean(scales));
  const fit = tf.mul(tf.sum(tf.mul(weights, values)), mean);
  const excess = tf.square(tf.sub(tf.sum(weights), 1));
  const penalty = tf.mul(excess, options.penalty ?? PENALTY);
  const terms = [fit, penalty];
  if (heads.length > 1) {
    terms.push(tf.mul(closeness(heads.map((name) => context.heads[name]!)), options.diversity ?? DIVERSITY));
  }
  const each = detachedEntries(weights);
  const divisors = detachedEntries(scales);
  const parts = operands.map((operand, k) => ({
    operand,
    weight: each[k]!,
    factor: () => tf.div(tf.mul(entry(weights, k), mean), divisors[k]!) as tf.Scalar,
  }));
  return { value: total(terms) as tf.Scalar, ...passedUp(parts) };
}

/** [2 − mean over pairs of heads and samples of ‖f_i − f_j‖]₊ */
function closeness(heads: readonly tf.Tensor2D[]): tf.Tensor {
  const widths = [...new Set(heads.map((head) => head.shape[1]))];
  if (widths.length > 1) throw new Error(`wedl compares heads, and theirs have widths ${widths.join(", ")}`);
  const distances = heads.flatMap((a, i) => heads.slice(i + 1).map((b) => tf.mean(norm(tf.sub(a, b)))));
  return tf.relu(tf.sub(2, tf.div(total(distances), distances.length)));
}

/**
 * The heads' squared weights for `Program.headWeights`: w_j, split over the heads of each operand.
 *
 * @param options.share what part of the ensemble stands below the node.
 */
export function wedlHeadWeights(
  net: Net,
  path: string,
  heads: readonly OperandHeads[],
  options: { readonly share?: number } = {},
): HeadWeights {
  return splitWeights(detachedEntries(weightsOf(net, path)), heads, options.share);
}
