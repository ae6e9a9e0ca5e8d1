/**
 * The standard library's losses and miners against golden values of pytorch-metric-learning
 * (test/golden/pml: generate.py, generate_pairs.py, generate_classes.py); Smooth-AP, and what that library has not, against definitions there.
 *
 * Departures:
 * - distances of the library normalise embeddings inside; here the head does, so those cases are on normalize(x);
 * - a vector of distance 0 to another has gradient 0 here, and whatever the rounding of cdist gives there (0 for batches
 *   below 25 samples, as those of the golden files);
 * - supcon on a batch without negatives: the library gives 0, eq. 2 of the paper a value (no golden on "one class");
 * - supcon on a miner: the library takes the denominator over the mined pairs only, here it is over all other samples
 *   (no golden);
 * - histogram: the library drops a pair of two samples that both lack a positive, the paper does not (no golden on
 *   "two lone samples");
 * - margin adds nu only when beta is learned; here it does so always: the goldens with nu learn it;
 * - SoftTriple's regulariser: the library's sparse centres have a smaller constant under the root than the official
 *   code; the goldens have the official one;
 * - generalised lifted structure: the library counts an anchor without positives or without negatives, the missing side
 *   as 0; here it is left out (no goldens on batches that have one);
 * - angular: the library leaves the negatives unnormalised: the goldens give it unit vectors;
 * - N-pair: the library normalises unless told otherwise, the paper does not: goldens of both;
 * - NCA: without a positive pair the library's value is no number (no golden on "no positive pair");
 * - tuplet margin: in the library the gradient is no number where two embeddings point the same way (no goldens on
 *   "collapsed" and "duplicates");
 * - ranked list: the library leaves out negatives at distance 0 (the same);
 * - dynamic soft margin: the histogram is the batch's own and carries no gradient: the goldens have momentum 1 and a
 *   detached histogram;
 * - instance: given labels, the library takes the number of a class for the place of a sample in the batch: the goldens
 *   have every sample's own place;
 * - Smooth-AP: the library's depends on the order of the samples, and the official code counts the query in its own list;
 * - regular_face: of equally similar vectors the library takes one, here they share the gradient (no golden on
 *   "duplicates");
 * - proxy_nca, p2sgrad, center, magnet and hyperbolic are held against definitions in generate_classes.py, which says why.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Matrix, Tensor } from "../../src/interpret/index.ts";
import { interpretLoss } from "../../src/interpret/index.ts";
import { batchOf, loss, miner } from "./support.ts";

type Nested = readonly (number | Nested)[];

interface Golden {
  batches: Record<string, { embeddings: number[][]; labels: number[]; classes: number }>;
  cases: {
    use: string;
    on?: string;
    normalize: boolean;
    batch: string;
    second?: number[][];
    params: Record<string, Nested>;
    value: number;
    gradient: { x: number[][]; second?: number[][]; params: Record<string, Nested> };
  }[];
}

const folder = new URL("../golden/pml/", import.meta.url);

/** Equal to 1e-9 of the largest element; below 1e-5, to what rounding leaves of a 0 times 64. */
function expectEqual(actual: ArrayLike<number>, golden: readonly number[]): void {
  const scale = Math.max(1e-5, ...golden.map(Math.abs));
  expect(actual.length).toBe(golden.length);
  golden.forEach((value, i) => expect(Math.abs(actual[i]! - value)).toBeLessThanOrEqual(1e-9 * scale));
}

function flat(nested: Nested): number[] {
  return nested.flatMap((each) => (typeof each === "number" ? [each] : flat(each)));
}

function tensor(nested: Nested): Tensor {
  const shape: number[] = [];
  for (let level: number | Nested = nested; typeof level !== "number"; level = level[0]!)
    shape.push(level.length);
  return { shape, data: Float64Array.from(flat(nested)) };
}

function matrix(rows: readonly (readonly number[])[]): Matrix {
  return { rows: rows.length, columns: rows[0]!.length, data: Float64Array.from(rows.flat()) };
}

const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
it("has golden files", () => expect(files.length).toBeGreaterThanOrEqual(16));

for (const file of files)
  describe(file, () => {
    const golden = JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Golden;
    for (const { use, on, normalize, batch, second, params, value, gradient } of golden.cases)
      it(`${use}${on === undefined ? "" : ` on ${on}`}, ${batch}`, () => {
        const { embeddings, labels, classes } = golden.batches[batch]!;
        const instance = normalize
          ? loss(`on_unit(${use})`, "loss on_unit(inner: loss) { inner(x: normalize(x)) }")
          : loss(use);
        const views = [embeddings, ...(second === undefined ? [] : [second])].map(matrix);
        const given = new Map(Object.entries(params).map(([name, nested]) => [name, tensor(nested)]));
        const result = interpretLoss(
          instance,
          { ...batchOf(embeddings, labels, classes), views, params: given },
          { gradient: true, ...(on === undefined ? {} : { miner: miner(on) }) },
        );
        expectEqual([result.value], [value]);
        expectEqual(result.gradient!.views[0]!, gradient.x.flat());
        if (gradient.second !== undefined) expectEqual(result.gradient!.views[1]!, gradient.second.flat());
        for (const [name, nested] of Object.entries(gradient.params))
          expectEqual(result.gradient!.params.get(name)!, flat(nested));
      });
  });
