/**
 * The standard library's losses against golden values of pytorch-metric-learning (test/golden/pml/generate.py).
 *
 * Departures:
 * - distances of the library normalise embeddings inside; here the head does, so those cases are on normalize(x);
 * - a vector of distance 0 to another has gradient 0 here, and whatever the rounding of cdist gives there: no batch of
 *   the golden files has one.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { interpretLoss } from "../../src/interpret/index.ts";
import { batchOf, loss } from "./support.ts";

interface Golden {
  batches: Record<string, { embeddings: number[][]; labels: number[]; classes: number }>;
  cases: {
    use: string;
    normalize: boolean;
    batch: string;
    params: Record<string, number[][]>;
    value: number;
    gradient: { x: number[][]; params: Record<string, number[][]> };
  }[];
}

const folder = new URL("../golden/pml/", import.meta.url);

/** Equal to 1e-9 of the largest element. */
function expectEqual(actual: ArrayLike<number>, golden: readonly number[]): void {
  const scale = Math.max(1e-12, ...golden.map(Math.abs));
  expect(actual.length).toBe(golden.length);
  golden.forEach((value, i) => expect(Math.abs(actual[i]! - value)).toBeLessThanOrEqual(1e-9 * scale));
}

const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
it("has golden files", () => expect(files.length).toBeGreaterThanOrEqual(6));

for (const file of files)
  describe(file, () => {
    const golden = JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Golden;
    for (const { use, normalize, batch, params, value, gradient } of golden.cases)
      it(`${use}, ${batch}`, () => {
        const { embeddings, labels, classes } = golden.batches[batch]!;
        const instance = normalize
          ? loss(`on_unit(${use})`, "loss on_unit(inner: loss) { inner(x: normalize(x)) }")
          : loss(use);
        const given = new Map(
          Object.entries(params).map(([name, rows]) => [
            name,
            { shape: [rows.length, rows[0]!.length], data: Float64Array.from(rows.flat()) },
          ]),
        );
        const result = interpretLoss(
          instance,
          { ...batchOf(embeddings, labels, classes), params: given },
          { gradient: true },
        );
        expectEqual([result.value], [value]);
        expectEqual(result.gradient!.views[0]!, gradient.x.flat());
        for (const [name, rows] of Object.entries(gradient.params))
          expectEqual(result.gradient!.params.get(name)!, rows.flat());
      });
  });
