import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { startEngine } from "../../src/runtime/engine/index.ts";
import {
  equal,
  gated,
  gateHeadWeights,
  gateParameters,
  learned,
  learnedParameters,
  scaleState,
  softMin,
  term,
  weightedSum,
} from "../../src/runtime/ensemble/index.ts";
import type { GatedOptions } from "../../src/runtime/ensemble/index.ts";
import type { Combined } from "../../src/runtime/program.ts";
import { createNet } from "../../src/runtime/train/net.ts";
import { BATCH, FEATURES, LABELS, WIDTH, mean, randomNumbers, relativeError, see } from "./support.ts";
import type { Losses, Scene, Seen } from "./support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const NAMES = ["a", "b", "c"];
const K = NAMES.length;
const terms = (losses: Losses): Combined[] => Object.entries(losses).map(([name, loss]) => term(name, loss));
const HEADS = NAMES.map((name) => [name]);

function gatedScene(options: GatedOptions = {}, rest: Partial<Scene> = {}): Scene {
  return {
    names: NAMES,
    parameters: gateParameters("combine", FEATURES, K),
    state: scaleState("combine", K),
    combine: (losses, context) => gated(context, "combine", terms(losses), HEADS, options),
    ...rest,
  };
}

/** Gate parameters that are not uniform. */
const SET = {
  "combine/gate/weight": randomNumbers(FEATURES * K, "gate", 0.4),
  "combine/gate/bias": [0.3, -0.2, 0.1],
};

// The strategy once more, in plain float64 numbers.

function referenceGates(
  features: readonly number[],
  options: GatedOptions,
  set = SET,
): { all: number[][]; kept: number[][] } {
  const [weight, bias] = [set["combine/gate/weight"], set["combine/gate/bias"]];
  const floor = 1 / (4 * K);
  const all = LABELS.map((_, i) => {
    const logits = bias.map((b, k) => {
      let sum = b;
      for (let f = 0; f < FEATURES; f++) sum += features[i * FEATURES + f]! * weight[f * K + k]!;
      return sum / (options.temperature ?? 1);
    });
    const powers = logits.map((v) => Math.exp(v - Math.max(...logits)));
    const total = powers.reduce((a, b) => a + b, 0);
    return powers.map((p) => floor + (1 - K * floor) * (p / total));
  });
  const kept = all.map((row) => {
    const least = [...row].sort((a, b) => b - a)[(options.top ?? K) - 1]!;
    const chosen = row.map((g) => (g >= least ? g : 0));
    const total = chosen.reduce((a, b) => a + b, 0);
    return chosen.map((g) => g / total);
  });
  return { all, kept };
}

function referenceObjective(seen: Seen, options: GatedOptions, set = SET): number {
  const { all, kept } = referenceGates(seen.features, options, set);
  const z = LABELS.map((_, i) =>
    NAMES.flatMap((name, k) =>
      Array.from({ length: WIDTH }, (_, t) => Math.sqrt(kept[i]![k]!) * seen.heads[name]![i * WIDTH + t]!),
    ),
  );
  const distance = (i: number, j: number): number =>
    Math.sqrt(z[i]!.reduce((sum, value, t) => sum + (value - z[j]![t]!) ** 2, 0));
  const losses: number[] = [];
  for (let a = 0; a < BATCH; a++)
    for (let p = 0; p < BATCH; p++)
      for (let n = 0; n < BATCH; n++)
        if (a !== p && LABELS[a] === LABELS[p] && LABELS[a] !== LABELS[n])
          losses.push(Math.log1p(Math.exp(distance(a, p) - distance(a, n) + 0.1)));
  const balance = NAMES.map((_, k) => mean(all.map((row) => row[k]!)));
  const divergence = balance.reduce((sum, g) => sum + g * Math.log(K * g), 0);
  return mean(losses) + (options.balance ?? 0.01) * divergence;
}

describe("uniform gates", () => {
  const fixed: Scene = {
    names: NAMES,
    state: scaleState("combine", K),
    combine: (losses, { net }) => equal(net, "combine", terms(losses)),
  };

  test.each([
    ["plain", {}],
    ["with regularisers", { constants: [0.5, 0, 2] }],
    ["with unlike scales", { factors: [100, 1, 0.01], constants: [0, 1, 3] }],
  ])("are fixed equal weights, in value and in every gradient of heads and backbone: %s", (_, rest) => {
    const uniform = see(gatedScene({}, rest));
    const weighed = see({ ...fixed, ...rest });
    expect(uniform.value).toBeCloseTo(weighed.value, 6);
    for (const name of ["backbone", ...NAMES.map((each) => `heads/${each}`)]) {
      expect(relativeError(uniform.gradients[name]!, weighed.gradients[name]!)).toBeLessThan(2e-6);
    }
    for (const name of NAMES) expect(uniform.weights[name]).toBeCloseTo(1 / K, 6);
  });

  test("are what a gate starts with, whatever `top` is: it starves no loss", () => {
    const seen = see(gatedScene({ top: 1 }));
    for (const name of NAMES) expect(seen.weights[name]).toBeCloseTo(1 / K, 6);
    expect(seen.ownGradients["combine/gate/weight"]!.some((g) => g !== 0)).toBe(true);
  });
});

describe("gated", () => {
  test("is mean_i Σ_k g_ik ℓ_ik / s_k, its shares included, and reports the mean gates", () => {
    const factors = [2, 5, 0.3];
    const seen = see(gatedScene({}, { set: SET, factors }));
    const { all } = referenceGates(seen.features, {});
    const shares = NAMES.map((name) => see({ ...alone(name), factors }).perSample!);
    // At the first step the scale of a loss is its value.
    const expected = LABELS.map((_, i) =>
      NAMES.reduce((sum, _, k) => sum + (all[i]![k]! * shares[k]![i]!) / mean(shares[k]!), 0),
    );
    expect(relativeError(seen.perSample!, expected)).toBeLessThan(1e-5);
    expect(seen.value).toBeCloseTo(mean(expected), 5);
    expect(mean(seen.perSample!)).toBeCloseTo(seen.value, 6);
    NAMES.forEach((name, k) => expect(seen.weights[name]).toBeCloseTo(mean(all.map((row) => row[k]!)), 5));
  });

  /** One loss of the three by itself. */
  const alone = (name: string): Scene => ({ names: NAMES, combine: (losses) => term(name, losses[name]!) });

  test("a regulariser has no sample to be gated by: it counts with weight 1/K", () => {
    const constants = [3, 0.5, 1];
    const seen = see(gatedScene({}, { set: SET, constants }));
    const scales = NAMES.map((name) => see({ ...alone(name), constants }).value);
    const expected = constants.reduce((sum, constant, k) => sum + constant / scales[k]! / K, 0);
    expect(seen.constant).toBeCloseTo(expected, 5);
    expect(mean(seen.perSample!) + seen.constant!).toBeCloseTo(seen.value, 5);
  });

  test("the losses do not reach the gate, and the gate's objective reaches nothing else", () => {
    const seen = see(gatedScene({}, { set: SET }));
    for (const part of ["weight", "bias"]) {
      expect(seen.gradients[`combine/gate/${part}`]).toBeUndefined();
      expect(seen.ownGradients[`combine/gate/${part}`]!.some((g) => g !== 0)).toBe(true);
    }
    for (const name of ["backbone", ...NAMES.map((each) => `heads/${each}`)]) {
      expect(seen.gradients[name]!.some((g) => g !== 0)).toBe(true);
      expect(seen.ownGradients[name]).toBeUndefined();
    }
  });

  test.each<[string, GatedOptions]>([
    ["as decided", {}],
    ["top 2", { top: 2 }],
    ["top 1", { top: 1, balance: 0.5 }],
    ["cold and balanced", { temperature: 0.5, balance: 2 }],
  ])("the gate's objective and its gradient are those of the formula: %s", (_, options) => {
    const seen = see(gatedScene(options, { set: SET }));
    expect(seen.own).toBeCloseTo(referenceObjective(seen, options), 5);
    for (const name of ["combine/gate/weight", "combine/gate/bias"] as const) {
      const differences = SET[name].map((value, index) => {
        const at = (by: number): number => {
          const moved = { ...SET, [name]: SET[name].map((v, i) => (i === index ? value + by : v)) };
          return referenceObjective(seen, options, moved);
        };
        return (at(1e-5) - at(-1e-5)) / 2e-5;
      });
      expect(relativeError(seen.ownGradients[name]!, differences)).toBeLessThan(2e-3);
    }
  });

  test("triplets formed within the blocks of a balanced batch are all that there are", () => {
    const all = see(gatedScene({}, { set: SET }));
    const blocks = see(gatedScene({ samples: 2 }, { set: SET }));
    expect(blocks.own).toBeCloseTo(all.own!, 6);
    const name = "combine/gate/weight";
    expect(relativeError(blocks.ownGradients[name]!, all.ownGradients[name]!)).toBeLessThan(1e-5);
  });

  test("a loss multiplied by 100 changes neither value nor gradients", () => {
    const plain = see(gatedScene({ top: 2 }, { set: SET }));
    const scaled = see(gatedScene({ top: 2 }, { set: SET, factors: [100, 1, 0.01] }));
    expect(scaled.value).toBeCloseTo(plain.value, 5);
    expect(scaled.own).toBeCloseTo(plain.own!, 6);
    for (const name of ["backbone", ...NAMES.map((each) => `heads/${each}`)]) {
      expect(relativeError(scaled.gradients[name]!, plain.gradients[name]!)).toBeLessThan(1e-5);
    }
  });

  test("the balance pushes mean gates to uniform", () => {
    const bias = [2, 0, -1];
    const set = {
      "combine/gate/weight": Array.from({ length: FEATURES * K }, () => 0),
      "combine/gate/bias": bias,
    };
    const gradient = see(gatedScene({ balance: 100 }, { set })).ownGradients["combine/gate/bias"]!;
    expect(gradient[0]).toBeGreaterThan(1);
    expect(gradient[1]).toBeLessThan(0);
    expect(gradient[2]).toBeLessThan(0);
    // A loss that `top` leaves out of every sample is still drawn back.
    const left = see(gatedScene({ balance: 100, top: 1 }, { set })).ownGradients["combine/gate/bias"]!;
    expect(left[2]).toBeLessThan(-1);
  });

  test("an operand without shares is refused by name", () => {
    const scene = gatedScene(
      {},
      {
        combine: ({ a, b }, context) => {
          const { perSample: _, ...whole } = b!;
          return gated(context, "combine", [term("a", a!), term("b", whole)], HEADS);
        },
      },
    );
    expect(() => see(scene)).toThrow("gated at combine: b has no share of each sample");
    expect(() => see(gatedScene({ top: 4 }))).toThrow("top 4 of 3 losses");
  });
});

describe("gates as weights of heads", () => {
  const weightsOf = (features: number[], set: Record<string, number[]>, options: object): number[][] => {
    const parameters = {
      "combine/gate/weight": tf.tensor2d(set["weight"]!, [FEATURES, K]),
      "combine/gate/bias": tf.tensor1d(set["bias"]!),
    };
    const net = createNet({ classes: 0 }, false, parameters, {});
    const all = gateHeadWeights(tf.tensor2d(features, [BATCH, FEATURES]), net, "combine", HEADS, options);
    return NAMES.map((name) => Array.from(all[name]!.dataSync()));
  };
  const wide = (length: number): fc.Arbitrary<number[]> =>
    fc.array(fc.double({ min: -4, max: 4, noNaN: true }), { minLength: length, maxLength: length });

  test("lie on the simplex above the floor; `top` keeps the largest, above the floor among themselves", () => {
    fc.assert(
      fc.property(
        wide(FEATURES * K),
        wide(K),
        wide(BATCH * FEATURES),
        fc.integer({ min: 1, max: K }),
        (weight, bias, features, top) => {
          const all = weightsOf(features, { weight, bias }, {});
          const kept = weightsOf(features, { weight, bias }, { top });
          for (let i = 0; i < BATCH; i++) {
            const [whole, row] = [all.map((w) => w[i]!), kept.map((w) => w[i]!)];
            expect(whole.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
            expect(Math.min(...whole)).toBeGreaterThanOrEqual(1 / (4 * K) - 1e-6);
            expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
            const alive = row.filter((g) => g > 0);
            expect(alive.length).toBeGreaterThanOrEqual(top);
            expect(Math.min(...alive)).toBeGreaterThanOrEqual(1 / (4 * K) - 1e-6);
            // None that is left out is larger than one that is kept.
            const least = Math.min(...whole.filter((_, k) => row[k]! > 0));
            row.forEach((g, k) => expect(g > 0 || whole[k]! < least).toBe(true));
            // What is kept keeps its proportions.
            const sum = whole.reduce((a, g, k) => a + (row[k]! > 0 ? g : 0), 0);
            row.forEach((g, k) => expect(g > 0 ? g - whole[k]! / sum : 0).toBeCloseTo(0, 5));
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  test("hold the share of the ensemble that stands below the gate", () => {
    const weights = weightsOf(
      randomNumbers(BATCH * FEATURES, "x"),
      {
        weight: SET["combine/gate/weight"],
        bias: SET["combine/gate/bias"],
      },
      { share: 0.6 },
    );
    for (let i = 0; i < BATCH; i++) expect(weights.reduce((sum, w) => sum + w[i]!, 0)).toBeCloseTo(0.6, 6);
  });
});

describe("gates among other strategies", () => {
  test("arithmetic, equal and learned pass shares on, with their weights", () => {
    const scene = (combine: Scene["combine"]): Seen =>
      see({
        names: NAMES,
        constants: [1, 2, 3],
        parameters: learnedParameters("inner", 2),
        state: scaleState("inner", 2),
        set: { "inner/a": [0.7, -0.3] },
        combine,
      });
    const nodes: Scene["combine"][] = [
      ({ a, b }) =>
        weightedSum([
          [0.3, term("a", a!)],
          [2, term("b", b!)],
        ]),
      ({ a, b }, { net }) => equal(net, "inner", [term("a", a!), term("b", b!)]),
      ({ a, b }, { net }) => learned(net, "inner", [term("a", a!), term("b", b!)]),
    ];
    for (const combine of nodes) {
      const seen = scene(combine);
      expect(mean(seen.perSample!) + seen.constant!).toBeCloseTo(seen.value, 5);
    }
    // A sum with a loss that has no shares has none.
    const whole = scene(({ a, b }) => {
      const { perSample: _, ...rest } = b!;
      return weightedSum([
        [1, term("a", a!)],
        [1, term("b", rest)],
      ]);
    });
    expect(whole.perSample).toBeUndefined();
  });

  test("weights learned below a gate learn through the shares", () => {
    const seen = see({
      names: NAMES,
      parameters: [...gateParameters("combine", FEATURES, 2), ...learnedParameters("combine/1", 2)],
      state: [...scaleState("combine", 2), ...scaleState("combine/1", 2, "none")],
      set: { "combine/1/a": [0.5, 0] },
      combine: ({ a, b, c }, context) => {
        const inner = learned(context.net, "combine/1", [term("b", b!), term("c", c!)], { scale: "none" });
        return gated(context, "combine", [term("a", a!), inner], [["a"], ["b", "c"]]);
      },
    });
    expect(seen.gradients["combine/1/a"]!.some((g) => Math.abs(g) > 1e-4)).toBe(true);
    expect(Object.values(seen.weights).reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 5);
  });

  test("a gate below a gate learns for itself, whatever weight it has above it", () => {
    const nested = (coefficient: number): Seen =>
      see({
        names: NAMES,
        parameters: [...gateParameters("combine", FEATURES, 2), ...gateParameters("combine/1", FEATURES, 2)],
        state: [...scaleState("combine", 2), ...scaleState("combine/1", 2)],
        set: { "combine/1/gate/bias": [0.4, 0] },
        combine: ({ a, b, c }, context) => {
          const heads = [["b"], ["c"]];
          const inner = gated(context, "combine/1", [term("b", b!), term("c", c!)], heads);
          const below = gateHeadWeights(context.features, context.net, "combine/1", heads);
          const outer = gated(
            context,
            "combine",
            [term("a", a!), weightedSum([[coefficient, inner]])],
            [["a"], below],
          );
          return outer;
        },
      });
    const [once, twice] = [nested(1), nested(2)];
    expect(once.ownGradients["combine/1/gate/bias"]).toEqual(twice.ownGradients["combine/1/gate/bias"]);
    expect(once.ownGradients["combine/gate/bias"]!.some((g) => g !== 0)).toBe(true);
    // The outer gate's objective leaves the inner gate alone: what it learns is what it learns by itself.
    const alone = see({
      names: NAMES,
      parameters: gateParameters("combine/1", FEATURES, 2),
      state: scaleState("combine/1", 2),
      set: { "combine/1/gate/bias": [0.4, 0] },
      combine: ({ b, c }, context) =>
        gated(context, "combine/1", [term("b", b!), term("c", c!)], [["b"], ["c"]]),
    });
    expect(
      relativeError(once.ownGradients["combine/1/gate/bias"]!, alone.ownGradients["combine/1/gate/bias"]!),
    ).toBeLessThan(1e-6);
  });
});

describe("soft_min", () => {
  test("is the gated sum whose gate moves to the losses that are easiest", () => {
    const soft: Scene["combine"] = (losses, context) => softMin(context, "combine", terms(losses));
    const seen = see(gatedScene({}, { set: SET, combine: soft }));
    expect(seen.value).toBeCloseTo(see(gatedScene({}, { set: SET })).value, 5);
    // For uniform gates −∂L/∂b_k is how far the scaled loss lies below the mean: all are 1 at the first step, so with
    // one of them asleep the gate turns to it.
    const asleep = see(
      gatedScene(
        {},
        {
          combine: ({ b, c }, context) => {
            const zero = {
              value: tf.scalar(0),
              valid: tf.scalar(1),
              perSample: tf.zeros([BATCH]) as tf.Tensor1D,
            };
            return softMin(context, "combine", [term("a", zero), term("b", b!), term("c", c!)]);
          },
        },
      ),
    );
    const gradient = asleep.gradients["combine/gate/bias"]!;
    expect(gradient[0]).toBeLessThan(0);
    expect(gradient[1]).toBeGreaterThan(0);
    expect(gradient[2]).toBeGreaterThan(0);
  });
});
