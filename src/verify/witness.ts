/**
 * Looks for a small batch on which a loss takes a certain value: random embeddings, and classes that are perfectly apart.
 * What is found disproves; what is not found proves nothing. Deterministic and pure.
 */
import { BudgetError, initialParams, InterpretError, interpretLoss } from "../interpret/index.ts";
import { lengthOf } from "../ir/graph.ts";
import { topological } from "../ir/order.ts";
import { counterRandom } from "../runtime/random.ts";
import type { LossSubject } from "./subject.ts";

export interface Witness {
  readonly value: number;
  /** "a batch of random embeddings", "a batch whose classes are perfectly apart" */
  readonly batch: string;
}

const RANDOM_BATCHES = 4;
/** Numbers in all tensors of the loss on such a batch, above which none is tried. */
const TRIED_NUMBERS = 1_000_000;
const LABELS: readonly (readonly number[])[] = [
  [0, 0, 1, 1],
  [0, 0, 1, 1, 2, 2],
];

/** The first batch with a valid tuple on which the loss's value fulfils `wanted`. */
export function witness(loss: LossSubject, wanted: (value: number) => boolean): Witness | undefined {
  if (numbersIn(loss) > TRIED_NUMBERS) return undefined;
  for (const { labels, data, batch } of batches(loss)) {
    const value = valueOn(loss, labels, data);
    if (value !== undefined && wanted(value)) return { value, batch };
  }
  return undefined;
}

function numbersIn({ lowered }: LossSubject): number {
  const labels = LABELS.at(-1)!;
  const sizes = { batch: labels.length, classes: Math.max(...labels) + 1 };
  return topological([lowered.value])
    .map(({ shape }) => shape.reduce<number>((all, side) => all * lengthOf(side, sizes), 1))
    .reduce((sum, own) => sum + own, 0);
}

interface Trial {
  readonly labels: readonly number[];
  readonly data: Float64Array;
  readonly batch: string;
}

function* batches({ head }: LossSubject): Generator<Trial> {
  const { dim, unit } = head;
  const scale = unit ? 1 : 100;
  const apart = "a batch whose classes are perfectly apart";
  for (const labels of LABELS) {
    const rows = Float64Array.from({ length: labels.length * dim }, (_, at) => {
      const label = labels[Math.floor(at / dim)]!;
      // Two opposite directions, and further classes at right angles to them.
      if (label < 2) return at % dim === 0 ? scale * (1 - 2 * label) : 0;
      return at % dim === (label - 1) % dim ? scale : 0;
    });
    yield { labels, data: rows, batch: apart };
  }
  const labels = LABELS[1]!;
  for (let seed = 0; seed < RANDOM_BATCHES; seed++) {
    const random = counterRandom(seed, "witness");
    const data = Float64Array.from({ length: labels.length * dim }, () => random.normal());
    if (unit)
      for (let row = 0; row < data.length; row += dim) {
        const length = Math.hypot(...data.subarray(row, row + dim));
        for (let t = row; t < row + dim; t++) data[t] = data[t]! / length;
      }
    yield { labels, data, batch: "a batch of random embeddings" };
  }
}

function valueOn(
  { plan, head }: LossSubject,
  labels: readonly number[],
  data: Float64Array,
): number | undefined {
  const classes = Math.max(...labels) + 1;
  try {
    const params = initialParams(plan.instance, { classes, dim: head.dim }, 0, plan.name);
    const count = plan.instance.declaration.views?.length ?? 1;
    const views = Array.from({ length: count }, () => ({ rows: labels.length, columns: head.dim, data }));
    const options = plan.miner === undefined ? {} : { miner: plan.miner };
    const { value, valid } = interpretLoss(plan.instance, { views, labels, classes, params }, options);
    return valid && !Number.isNaN(value) ? value : undefined;
  } catch (error) {
    if (error instanceof InterpretError || error instanceof BudgetError) return undefined;
    throw error;
  }
}
