/** First values of parameters: the declared initialisers, on the streams of a run. */
import { expect, it } from "vitest";
import { initialParams, paramShapes } from "../../src/interpret/index.ts";
import { xavierUniform } from "../../src/runtime/init.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import { formula, loss } from "./support.ts";

const sizes = { classes: 4, dim: 6 };

it("draws from the stream of losses/NAME/PARAMETER", () => {
  const w = initialParams(loss("arcface"), sizes, 7, "arc").get("w")!;
  expect(w.shape).toEqual([4, 6]);
  expect([...w.data]).toEqual([...xavierUniform()([4, 6], counterRandom(7, "losses/arc/w"))]);
});

it("takes arguments from the loss's parameters, by name or by position", () => {
  const statements = [
    "param a: real[classes] = constant(1 / 4)",
    "param b: real[dim, 2] = uniform(high: -3, low: -3)",
    "param c: real = normal(5, std: 1e-9)",
    "param d: real[3 * classes] = zeros()",
  ].join("\n");
  const instance = formula("sum[k] a[k] + sum[t, s] b[t, s] + c + sum[r] d[r]", statements);
  expect([...paramShapes(instance, sizes).values()]).toEqual([[4], [6, 2], [], [12]]);
  const params = initialParams(instance, sizes, 1);
  expect([...params.get("a")!.data]).toEqual([0.25, 0.25, 0.25, 0.25]);
  expect(new Set(params.get("b")!.data)).toEqual(new Set([-3]));
  expect(params.get("c")!.data[0]).toBeCloseTo(5, 6);
  expect(params.get("d")!.data.every((value) => value === 0)).toBe(true);
});

it("refuses what is no initialiser", () => {
  const instance = formula("sum[k] a[k]", "param a: real[classes] = gaussian()");
  expect(() => initialParams(instance, sizes, 1)).toThrow(/gaussian is no initialiser/);
});
