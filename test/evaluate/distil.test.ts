/** The law of `compress: distilled(to: d)`: distances closer than those of the best linear head, by weights that say so. */
import { beforeAll, describe, expect, test } from "vitest";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { applyHead, regressHead } from "../../src/runtime/ensemble/compress_fold.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import { applyStudent, distil } from "../../src/runtime/train/distil.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const [N, P, DIM, TO] = [200, 6, 8, 4];

/** Features off the origin, and embeddings of them: linear, or of unit length and bent. */
function teacher(bent: boolean) {
  const random = counterRandom(3, "test/distil");
  const features = Float32Array.from({ length: N * P }, () => 5 + 3 * random.normal());
  const rank = bent ? DIM : 3;
  const [left, right] = [P * rank, rank * DIM].map((size) =>
    Float64Array.from({ length: size }, () => random.normal() / 3),
  );
  const rows = Array.from({ length: N }, (_, i) => {
    const inner = Array.from({ length: rank }, (_, r) => {
      let sum = 0;
      for (let f = 0; f < P; f++) sum += (features[i * P + f]! - 5) * left![f * rank + r]!;
      return bent ? Math.abs(sum) : sum;
    });
    const row = Array.from({ length: DIM }, (_, a) =>
      inner.reduce((sum, value, r) => sum + value * right![r * DIM + a]!, 0),
    );
    return bent ? row.map((value) => value / Math.hypot(...row)) : row;
  });
  return { features, embeddings: Float32Array.from(rows.flat()) };
}

function stress(z: Float32Array, u: Float32Array): number {
  const distance = (rows: Float32Array, dim: number, i: number, j: number): number => {
    let sum = 0;
    for (let a = 0; a < dim; a++) sum += (rows[i * dim + a]! - rows[j * dim + a]!) ** 2;
    return Math.sqrt(sum);
  };
  let [error, all] = [0, 0];
  for (let i = 0; i < N; i++)
    for (let j = 0; j < i; j++) {
      const wanted = distance(u, DIM, i, j);
      error += (distance(z, TO, i, j) - wanted) ** 2;
      all += wanted ** 2;
    }
  return error / all;
}

describe("a distilled ensemble", () => {
  const settings = { to: TO, hidden: 48, steps: 100 };

  test("is closer in its distances than the best linear head, and says how close", async () => {
    const { features, embeddings } = teacher(true);
    const student = await distil(features, embeddings, N, settings, 7);
    const z = await applyStudent(student, features, N);
    const linear = applyHead(regressHead(features, embeddings, N, TO), features, N);
    expect(stress(z, embeddings)).toBeLessThan(0.5 * stress(linear, embeddings));
    expect(student.stress / stress(z, embeddings)).toBeCloseTo(1, 2);
    const again = await distil(features, embeddings, N, settings, 7);
    expect(again).toEqual(student);
  });

  test("starts where a linear head ends: what is linear stays all but exact", async () => {
    const { features, embeddings } = teacher(false);
    const student = await distil(features, embeddings, N, { ...settings, steps: 15 }, 7);
    expect(student.stress).toBeLessThan(1e-3);
  });

  test("of embeddings that are all the same is one point", async () => {
    const { features } = teacher(false);
    const student = await distil(
      features,
      new Float32Array(N * DIM).fill(0.3),
      N,
      { ...settings, steps: 3 },
      1,
    );
    const z = await applyStudent(student, features, N);
    expect(z.every(Number.isFinite)).toBe(true);
  });
});
