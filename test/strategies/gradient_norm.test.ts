/** The law of `scale: gradient_norm`, on losses whose gradients at the features are known in closed form. */
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { startEngine } from "../../src/runtime/engine/index.ts";
import {
  equal,
  hierarchical,
  hierarchicalParameters,
  learned,
  learnedParameters,
  scaleState,
  term,
} from "../../src/runtime/ensemble/index.ts";
import type { ScaleOptions } from "../../src/runtime/ensemble/index.ts";
import type { Combined, Net, ParameterSpec } from "../../src/runtime/program.ts";
import { createNet } from "../../src/runtime/train/net.ts";
import { initialParameters, initialState } from "../../src/runtime/train/parameters.ts";
import { recorded } from "../../src/runtime/train/tape.ts";
import { relativeError } from "./support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const SHAPE: [number, number] = [3, 2];
const KERNEL = [0.5, -1, 2, 0.25];

interface Step {
  readonly features: readonly number[];
  /** Factors of the two losses; null where the batch holds no tuple of a loss. */
  readonly factors: readonly [number | null, number | null];
}

type Combine = (operands: readonly Combined[], net: Net, options: ScaleOptions) => Combined;

interface Seen {
  value: number;
  gradient: number[];
  scales: number[];
}

/**
 * Two losses on features h [3, 2]: c_1 Σ h² / 2, whose gradient is c_1 h, and, through a head, c_2 Σ (h W - 1), whose
 * gradient is the same row c_2 W 1 for every sample; it is negative at times.
 */
function run(combine: Combine, steps: readonly Step[], parameters: ParameterSpec[] = []): Seen[] {
  let state = initialState(scaleState("combine", 2, "gradient_norm"));
  const weights = initialParameters(parameters, 0);
  return steps.map(({ features, factors }) => {
    const net = createNet({ classes: 0 }, true, weights, state);
    const h = tf.tensor2d([...features], SHAPE);
    const loss = (value: tf.Tensor, k: 0 | 1): Combined =>
      term(`l${k}`, {
        value: tf.mul(value, factors[k] ?? 0) as tf.Scalar,
        valid: tf.scalar(factors[k] === null ? 0 : 1),
      });
    return recorded(
      [h],
      () => {
        // A stem before the features: what is measured must end at them.
        const trunk = tf.mul(h, 1);
        const operands = [
          loss(tf.mul(tf.sum(tf.square(trunk)), 0.5), 0),
          loss(tf.sum(tf.sub(tf.matMul(trunk as tf.Tensor2D, tf.tensor2d(KERNEL, [2, 2])), 1)), 1),
        ];
        const combined = combine(operands, net, { scale: "gradient_norm", trunk });
        for (const next of Object.values(net.updates)) tf.keep(next);
        return combined.value;
      },
      (value, gradientsOf) => {
        const gradient = Array.from(gradientsOf(value)[0]!.dataSync());
        const before = state;
        state = { ...state, ...net.updates };
        const [sum, count] = [state["combine/sum"]!, state["combine/count"]!].map((t) => t.dataSync());
        expect(before).not.toBe(state);
        const scales = Array.from(sum!, (each, k) => each / Math.max(count![k]!, 1));
        return { value: value.dataSync()[0]!, gradient, scales };
      },
    );
  });
}

const norm = (v: readonly number[]): number => Math.hypot(...v);
/** The gradient of the second loss, for a factor of 1. */
const SECOND = [0, 1, 2].flatMap(() => [KERNEL[0]! + KERNEL[1]!, KERNEL[2]! + KERNEL[3]!]);

const steps: Step[] = [
  { features: [1, 2, 3, -1, 0.5, 2], factors: [2, 0.1] },
  { features: [0.1, 0, 1, 1, -2, 0.5], factors: [3, null] },
  { features: [2, 2, -1, 1, 0, 1], factors: [1, 0.4] },
];
const equally: Combine = (operands, net, options) => equal(net, "combine", operands, options);

describe("scale: gradient_norm", () => {
  test("is the mean of the norms at the features so far, over the steps with a valid tuple", () => {
    const seen = run(equally, steps);
    const first = steps.map(({ features, factors }) => factors[0]! * norm(features));
    const second = [0.1, 0.4].map((factor) => factor * norm(SECOND));
    const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    expect(relativeError(seen[0]!.scales, [first[0]!, second[0]!])).toBeLessThan(1e-6);
    expect(relativeError(seen[1]!.scales, [mean(first.slice(0, 2)), second[0]!])).toBeLessThan(1e-6);
    expect(relativeError(seen[2]!.scales, [mean(first), mean(second)])).toBeLessThan(1e-6);
  });

  test("at the first step each operand sends a gradient of norm w_k; the scale itself has none", () => {
    const [{ gradient }] = run(equally, steps) as [Seen];
    const h = steps[0]!.features;
    const expected = h.map((v, i) => 0.5 * (v / norm(h) + SECOND[i]! / norm(SECOND)));
    expect(relativeError(gradient, expected)).toBeLessThan(1e-6);
  });

  test("a loss times a constant trains as before", () => {
    const plain = run(equally, steps);
    const times = run(
      equally,
      steps.map(({ features, factors: [a, b] }) => ({
        features,
        factors: [a! * 1e3, b === null ? b : b / 50],
      })),
    );
    times.forEach((each, k) => {
      expect(each.value).toBeCloseTo(plain[k]!.value, 4);
      expect(relativeError(each.gradient, plain[k]!.gradient)).toBeLessThan(1e-5);
    });
  });

  test("serves learned weights, groups and nodes below", () => {
    const [plain] = run(equally, steps) as [Seen];
    const byWeight = run(
      (operands, net, options) => learned(net, "combine", operands, options),
      steps,
      learnedParameters("combine", 2),
    );
    expect(relativeError(byWeight[0]!.gradient, plain.gradient)).toBeLessThan(1e-6);
    const groups: Combine = ([a, b], net, options) =>
      hierarchical(
        net,
        "combine",
        [
          ["first", a!],
          ["second", b!],
        ],
        options,
      );
    const grouped = run(groups, steps, hierarchicalParameters("combine", 2));
    expect(relativeError(grouped[0]!.gradient, plain.gradient)).toBeLessThan(1e-6);
    const nested: Combine = ([a, b], net, options) =>
      equal(net, "combine", [equal(net, "below", [a!], { scale: "none" }), b!], options);
    expect(relativeError(run(nested, steps)[2]!.scales, run(equally, steps)[2]!.scales)).toBeLessThan(1e-6);
  });

  test("an operand without a gradient has the least scale and adds nothing", () => {
    const [{ gradient, scales }] = run(equally, [{ features: steps[0]!.features, factors: [0, 1] }]) as [
      Seen,
    ];
    expect(scales[0]).toBe(0);
    expect(
      relativeError(
        gradient,
        SECOND.map((v) => (0.5 * v) / norm(SECOND)),
      ),
    ).toBeLessThan(1e-6);
  });

  test("needs the features", () => {
    const without: Combine = (operands, net) => equal(net, "combine", operands, { scale: "gradient_norm" });
    expect(() => run(without, steps)).toThrow("gradient_norm needs the features");
  });
});
