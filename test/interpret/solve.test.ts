/** `solve` and `concat` in the interpreter: solutions, gradients against central differences, singular and absent systems. */
import { describe, expect, it } from "vitest";
import { interpretLoss } from "../../src/interpret/index.ts";
import type { Tensor } from "../../src/interpret/index.ts";
import { inverseOf } from "../../src/interpret/solve.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import { batchOf, formula } from "./support.ts";

const HERE = batchOf(
  [
    [1, 2],
    [0.5, -1],
    [-2, 0.3],
  ],
  [0, 0, 1],
);
const tensor = (shape: number[], data: number[]): Tensor => ({ shape, data: Float64Array.from(data) });
const random = (seed: number, length: number): number[] => {
  const stream = counterRandom(seed, "solve");
  return Array.from({ length }, () => stream.normal());
};

const SYSTEM = `param a: real[4, 4] = normal()
  param b: real[4] = normal()
  param c: real[4] = normal()
  let x1(v) = solve[q, v](a[q, v], b[q])`;
const parameters = (a: number[], b = random(2, 4)): Map<string, Tensor> =>
  new Map([
    ["a", tensor([4, 4], a)],
    ["b", tensor([4], b)],
    ["c", tensor([4], random(3, 4))],
  ]);

describe("solve", () => {
  it("gives the solution of the system", () => {
    const weighted = formula("sum[v in 4] c[v] * x1(v)", SYSTEM);
    const params = parameters(random(1, 16));
    const { value } = interpretLoss(weighted, { ...HERE, params });
    const inverse = inverseOf(params.get("a")!.data, 4)!;
    const [b, c] = [params.get("b")!.data, params.get("c")!.data];
    let expected = 0;
    for (let v = 0; v < 4; v++) for (let q = 0; q < 4; q++) expected += c[v]! * inverse[4 * v + q]! * b[q]!;
    expect(value).toBeCloseTo(expected, 10);
  });

  it.each([
    "sum[v in 4] c[v] * x1(v)",
    "sum[v in 4] x1(v) ^ 2",
    "sum[i in 2, v in 4] c[i] * solve[q, v](a[q, v] + (i + 1) * (q == v), b[q] * c[i]) ^ 2",
    "sum[i, v in 4] x[i, 0] * solve[q, v](a[q, v], b[q] * x[i, 1])",
  ])("has the gradient of the solution: %s", (body) => {
    const instance = formula(body, SYSTEM.replace(/ {2}let.*/, body.includes("x1") ? "$&" : ""));
    const params = parameters(random(1, 16));
    const { gradient } = interpretLoss(instance, { ...HERE, params }, { gradient: true });
    for (const [name, { data }] of params)
      for (let k = 0; k < data.length; k++) {
        const at = (shift: number): number => {
          const moved = new Map(params);
          moved.set(name, {
            shape: params.get(name)!.shape,
            data: data.map((v, j) => (j === k ? v + shift : v)),
          });
          return interpretLoss(instance, { ...HERE, params: moved }).value;
        };
        const slope = (at(1e-6) - at(-1e-6)) / 2e-6;
        const found = gradient!.params.get(name)![k]!;
        expect(Math.abs(found - slope)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(slope)));
      }
  });

  it("exchanges rows where the first pivot is 0", () => {
    const swap = formula("sum[v in 2] (v + 1) * solve[q, v](if q == v then 0 else 1, q + 5)");
    // The unknowns are 6 and 5.
    expect(interpretLoss(swap, HERE).value).toBeCloseTo(16, 12);
  });

  it("of one text over several sizes", () => {
    const lets = "let x1(v, n) = solve[q in n, v in n]((q == v) * (n + 1), q + 1)";
    // (1 + 2) / 3 + (1 + 2 + 3) / 4, once through a function and once in place.
    expect(interpretLoss(formula("sum[n in [2, 3]] sum[v in n] x1(v, n)", lets), HERE).value).toBeCloseTo(
      2.5,
      12,
    );
    const inPlace = formula("sum[n in [2, 3]] sum[v in n] solve[q in n, v in n]((q == v) * (n + 1), q + 1)");
    expect(interpretLoss(inPlace, HERE).value).toBeCloseTo(2.5, 12);
    const prefixes =
      "sum[n in [1, 2]] sum[t] solve[s, t]((s == t) * (2 + prefix(x[0], n)[s]), 1) * prefix(x[0], n)[t]";
    expect(interpretLoss(formula(prefixes), HERE).value).toBeCloseTo(1 / 3 + 1 / 3 + 2 / 4, 12);
  });

  it("of a singular matrix is 0 with zero gradient", () => {
    const instance = formula("1 + (sum[v in 4] c[v] * x1(v))", SYSTEM);
    const params = parameters([1, 2, 3, 4, 2, 4, 6, 8, 0, 1, 0, 0, 0, 0, 1, 0]);
    const { value, gradient } = interpretLoss(instance, { ...HERE, params }, { gradient: true });
    expect(value).toBe(1);
    for (const slopes of gradient!.params.values()) expect(slopes.every((slope) => slope === 0)).toBe(true);
  });

  it("of nearly singular matrices, too", () => {
    const nearly = (share: number): number =>
      interpretLoss(
        formula(`sum[v in 2] solve[q, v](1 + (if q == v then ${share} else 0), if q == 0 then 1 else -1)`),
        HERE,
      ).value;
    expect(nearly(1e-7)).toBe(0);
    const instance = formula(
      "sum[v in 2] (if v == 0 then 1 else 0) * solve[q, v](1 + (if q == v then 1e-3 else 0), if q == 0 then 1 else -1)",
    );
    expect(interpretLoss(instance, HERE).value).toBeCloseTo(1000, 6);
  });

  it("of a system with an absent entry is absent", () => {
    const instance = formula(
      "mean[i] solve[q, v](if q == v then (max[j | differs(i, j), y[j] == 1] x[j, 0]) else 0, 1)".replace(
        "mean[i] ",
        "mean[i, v in 2] ",
      ),
    );
    // Sample 2 has no sample of another class 1: only the first two count.
    expect(interpretLoss(instance, HERE).value).toBeCloseTo(1 / -2, 12);
  });
});

describe("concat", () => {
  it("has the rows of one table, and behind them those of another", () => {
    const rows = "param w: real[2, dim] = normal()\n  let z = concat(x, w)";
    const params = new Map([["w", tensor([2, 2], [10, 20, 30, 40])]]);
    const at = (body: string): number => interpretLoss(formula(body, rows), { ...HERE, params }).value;
    expect(at("sum[u] z[u, 0]")).toBeCloseTo(39.5, 12);
    expect(at("sum[u] u * z[u, 1]")).toBeCloseTo(219.6, 12);
    expect(at("sum[i in batch] z[i, 0]")).toBeCloseTo(-0.5, 12);
    expect(at("sum[p in 2] (p + 1) * z[batch + p, 1]")).toBeCloseTo(100, 12);
    expect(at("sum[i, p in 2] x[i, 0] * z[i, 0] * z[batch + p, 0]")).toBeCloseTo(5.25 * 40, 12);
    expect(at("count[u in batch + 2] u >= batch")).toBe(2);
  });

  it("sends the gradient to both", () => {
    const instance = formula(
      "sum[u, v] (u + 1) * (v - 1) * (sum[t] z[u, t] * z[v, t])",
      "param w: real[1, dim] = normal()\n  let z = concat(w, x)",
    );
    const params = new Map([["w", tensor([1, 2], [1, -1])]]);
    const batch = batchOf([[1, 2]], [0]);
    const { gradient } = interpretLoss(instance, { ...batch, params }, { gradient: true });
    // Σ (u+1)(v-1) z_u·z_v with z = (w, x): -w·w - 2 x·w; the terms of v = 1 vanish.
    expect([...gradient!.params.get("w")!]).toEqual([-2 - 2, 2 - 4]);
    expect([...gradient!.views[0]!]).toEqual([-2, 2]);
  });
});
