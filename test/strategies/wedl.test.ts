import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { scaleState, term, wedl, wedlHeadWeights, wedlParameters } from "../../src/runtime/ensemble/index.ts";
import type { WedlOptions } from "../../src/runtime/ensemble/index.ts";
import type { CombineContext } from "../../src/runtime/program.ts";
import { createNet } from "../../src/runtime/train/net.ts";
import { BATCH, WIDTH, mean, relativeError, see } from "./support.ts";
import type { Losses, Seen } from "./support.ts";
import { run } from "./values.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const NAMES = ["a", "b", "c"];
const C = [0.6, -0.4, 0.7];
const WEIGHTS = C.map((c) => c * c + 1 / 12);

const combine =
  (options: WedlOptions = {}) =>
  (losses: Losses, context: CombineContext) =>
    wedl(
      context,
      "combine",
      Object.entries(losses).map(([name, loss]) => term(name, loss)),
      NAMES,
      options,
    );
const scene = (options: WedlOptions = {}, set: readonly number[] = C): Seen =>
  see({
    names: NAMES,
    parameters: wedlParameters("combine", 3),
    state: scaleState("combine", 3),
    set: { "combine/c": set },
    combine: combine(options),
  });

/** Mean over pairs of heads and samples of their distance. */
function apart(heads: Seen["heads"]): number {
  const distances: number[] = [];
  for (const [i, j] of [
    [0, 1],
    [0, 2],
    [1, 2],
  ] as const)
    for (let b = 0; b < BATCH; b++) {
      const difference = Array.from(
        { length: WIDTH },
        (_, t) => heads[NAMES[i]!]![b * WIDTH + t]! - heads[NAMES[j]!]![b * WIDTH + t]!,
      );
      distances.push(Math.hypot(...difference));
    }
  return mean(distances);
}

describe("wedl", () => {
  test("is the published objective: weights c² + α, scales l̄/l̄_j, penalty and diversity", () => {
    for (const [diversity, penalty] of [
      [0.01, 1e4],
      [0.1, 10],
    ] as const) {
      const seen = scene({ diversity, penalty });
      const losses = NAMES.map(
        (name) => see({ names: NAMES, combine: (all) => term(name, all[name]!) }).value,
      );
      const level = mean(losses);
      const excess = WEIGHTS.reduce((sum, w) => sum + w, 0) - 1;
      const expected =
        WEIGHTS.reduce((sum, w, j) => sum + w * (level / losses[j]!) * losses[j]!, 0) +
        penalty * excess ** 2 +
        diversity * Math.max(0, 2 - apart(seen.heads));
      expect(seen.value / expected).toBeCloseTo(1, 5);
      NAMES.forEach((name, j) => expect(seen.weights[name]).toBeCloseTo(WEIGHTS[j]!, 6));
      expect(seen.perSample).toBeUndefined();
    }
  });

  test("the gradient of c is that of the formula, and the diversity reaches the heads", () => {
    const penalty = 3;
    const gradient = scene({ penalty }).gradients["combine/c"]!;
    const differences = C.map((_, k) => {
      const value = (by: number): number =>
        scene(
          { penalty },
          C.map((c, i) => (i === k ? c + by : c)),
        ).value;
      return (value(0.01) - value(-0.01)) / 0.02;
    });
    expect(relativeError(gradient, differences)).toBeLessThan(2e-3);
    const [with1, without] = [scene({ diversity: 1 }), scene({ diversity: 0 })];
    expect(relativeError(with1.gradients["heads/a"]!, without.gradients["heads/a"]!)).toBeGreaterThan(1e-2);
  });

  test("its scales are running means over the steps, and keep what a lone first 0 would break", () => {
    const steps = [
      { a: 0, b: 2 },
      { a: 1, b: 4 },
      { a: 5, b: 6 },
    ];
    const results = run(
      ({ a, b }, net) => {
        const context = { net, features: tf.zeros([1, 1]), heads: {}, labels: tf.tensor1d([0]) };
        return wedl(context as unknown as CombineContext, "combine", [a!, b!], []);
      },
      steps,
      wedlParameters("combine", 2),
      scaleState("combine", 2),
    );
    // Means (0, 2), (½, 3), (2, 4), their means 1, 7/4, 3; weights ½.
    expect(results.map((result) => result.value)).toEqual([
      expect.closeTo(0.5, 5),
      expect.closeTo(0.5 * 1.75 * (1 / 0.5 + 4 / 3), 4),
      expect.closeTo(0.5 * 3 * (5 / 2 + 6 / 4), 4),
    ]);
  });

  test("starts at equal weights or at its prior, which lies above the floor", () => {
    const weights = (prior?: readonly number[]): number[] => {
      const [spec] = wedlParameters("combine", 4, prior === undefined ? {} : { prior });
      const c = spec!.init([4], { uniform: () => 0, normal: () => 0 });
      return Array.from(c, (value) => value * value + 1 / 16);
    };
    expect(weights()).toEqual([0.25, 0.25, 0.25, 0.25].map((w) => expect.closeTo(w, 6)));
    expect(weights([2, 1, 2, 3])).toEqual([2, 1, 2, 3].map((p) => expect.closeTo(p / 8, 6)));
    expect(() => weights([1, 100, 1, 1])).toThrow("prior 1 of 103 is below the floor");
  });

  test("its embedding weighs the heads by w", () => {
    const parameters = { "combine/c": tf.tensor1d(C) };
    const net = createNet({ classes: 0 }, false, parameters, {});
    const heads = wedlHeadWeights(net, "combine", [["a"], ["b"], ["a"]], { share: 0.5 });
    expect(heads["a"]!.dataSync()[0]).toBeCloseTo((WEIGHTS[0]! + WEIGHTS[2]!) / 2, 6);
    expect(heads["b"]!.dataSync()[0]).toBeCloseTo(WEIGHTS[1]! / 2, 6);
  });

  test("heads of unlike width cannot be compared", () => {
    expect(() =>
      see({
        names: NAMES,
        parameters: wedlParameters("combine", 3),
        state: scaleState("combine", 3),
        combine: (losses, context) =>
          combine()(losses, { ...context, heads: { ...context.heads, b: tf.zeros([BATCH, 2]) } }),
      }),
    ).toThrow("wedl compares heads, and theirs have widths 3, 2");
  });
});
