/** Losses weighed by class against pytorch-metric-learning's ClassWeightedReducer (test/golden/pml/generate_class_weights.py). */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { interpretLoss } from "../../src/interpret/index.ts";
import { loss } from "./support.ts";

interface Case {
  readonly use: string;
  readonly formula?: string;
  readonly batch: string;
  readonly weights: readonly number[];
  readonly classes: number;
  readonly embeddings: readonly (readonly number[])[];
  readonly labels: readonly number[];
  readonly params: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly value: number;
  readonly gradient: {
    readonly x: readonly (readonly number[])[];
    readonly params: Case["params"];
  };
}

const file = new URL("../golden/pml/class_weights/losses.json", import.meta.url);
const cases = JSON.parse(readFileSync(file, "utf8")) as readonly Case[];

const matrix = (rows: readonly (readonly number[])[]) => ({
  rows: rows.length,
  columns: rows[0]!.length,
  data: Float64Array.from(rows.flat()),
});

function near(actual: ArrayLike<number>, golden: readonly number[], what: string): void {
  const size = Math.max(...golden.map(Math.abs));
  expect(actual.length, what).toBe(golden.length);
  golden.forEach((value, k) => expect(Math.abs(value - actual[k]!), what).toBeLessThanOrEqual(1e-9 * size));
}

it("has contrastive, triplet and arcface", () => {
  const uses = new Set(cases.map(({ use }) => /^\w+/.exec(use)![0]));
  expect([...uses].sort()).toEqual(["arcface", "contrastive", "cosface", "multi_similarity", "triplet"]);
});

describe("weighed by class", () => {
  it.each(cases.map((each) => [each.use, each.batch, each] as const))("%s, %s", (_, __, each) => {
    const on = "loss on_unit(inner: loss) { inner(x: normalize(x)) }";
    const instance =
      each.formula === undefined
        ? loss(`on_unit(${each.use})`, on)
        : loss("on_unit(probe)", `${on}\nloss probe() {\n${each.formula}\n}`);
    const params = new Map(
      Object.entries(each.params).map(([name, rows]) => {
        const { rows: count, columns, data } = matrix(rows);
        return [name, { shape: [count, columns], data }];
      }),
    );
    const { labels, classes, weights } = each;
    const answer = interpretLoss(
      instance,
      { views: [matrix(each.embeddings)], labels, classes, params },
      { gradient: true, classWeights: weights },
    );
    near([answer.value], [each.value], "value");
    near(answer.gradient!.views[0]!, each.gradient.x.flat(), "gradient");
    for (const [name, slopes] of Object.entries(each.gradient.params))
      near(answer.gradient!.params.get(name)!, slopes.flat(), `gradient of ${name}`);
  });
});
