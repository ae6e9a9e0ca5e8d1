import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { startEngine } from "../../src/runtime/engine/index.ts";
import {
  equal,
  learned,
  pcgrad,
  pcgradNoise,
  scaleState,
  term,
  weightedSum,
} from "../../src/runtime/ensemble/index.ts";
import { projectConflicts } from "../../src/runtime/ensemble/pcgrad.ts";
import type { Combined, Net } from "../../src/runtime/program.ts";
import { combinedGradients } from "../../src/runtime/train/combined_gradients.ts";
import { createNet } from "../../src/runtime/train/net.ts";
import { initialState } from "../../src/runtime/train/parameters.ts";
import { relativeError } from "./support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0);

/** Algorithm 1 of Yu et al. (2020) as it stands there, on vectors: `orders[i]` is the order in which task i meets others. */
function algorithm1(
  gradients: readonly number[][],
  orders: readonly number[][],
): { each: number[][]; sum: number[] } {
  const each = gradients.map((gradient, i) => {
    let projected = [...gradient];
    for (const j of orders[i]!) {
      const other = gradients[j]!;
      const inner = dot(projected, other);
      if (inner < 0) {
        const share = inner / dot(other, other);
        projected = projected.map((value, t) => value - share * other[t]!);
      }
    }
    return projected;
  });
  return { each, sum: gradients[0]!.map((_, t) => each.reduce((total, g) => total + g[t]!, 0)) };
}

/** The orders that keys stand for: the other tasks, by ascending key. */
const ordersOf = (keys: readonly number[][]): number[][] =>
  keys.map((row, i) =>
    row
      .map((key, j) => ({ key, j }))
      .filter(({ j }) => j !== i)
      .sort((a, b) => a.key - b.key || a.j - b.j)
      .map(({ j }) => j),
  );

const surgery = (gradients: readonly number[][], keys: readonly number[][]): number[] =>
  tf.tidy(() =>
    Array.from(
      projectConflicts(tf.tensor2d(gradients as number[][]), tf.tensor2d(keys as number[][])).dataSync(),
    ),
  );

const entry = fc.integer({ min: -300, max: 300 }).map((value) => value / 100);
const key = fc.integer({ min: 0, max: 99 }).map((value) => value / 100);
const square = <T>(of: fc.Arbitrary<T>, rows: number, columns: number): fc.Arbitrary<T[][]> =>
  fc.array(fc.array(of, { minLength: columns, maxLength: columns }), { minLength: rows, maxLength: rows });
const tasks = fc
  .integer({ min: 1, max: 5 })
  .chain((count) => fc.record({ gradients: square(entry, count, 4), keys: square(key, count, count) }));
const zeros = (count: number): number[][] =>
  Array.from({ length: count }, () => Array<number>(count).fill(0));

/** Whether float32 and float64 see the same conflicts: no inner product on the way is within rounding of 0. */
function decided(gradients: readonly number[][], orders: readonly number[][]): boolean {
  return orders.every((order, i) => {
    let projected = [...gradients[i]!];
    return order.every((j) => {
      const other = gradients[j]!;
      const inner = dot(projected, other);
      if (inner !== 0 && Math.abs(inner) < 1e-3) return false;
      const square = dot(other, other);
      if (inner < 0) projected = projected.map((value, t) => value - (inner / square) * other[t]!);
      return true;
    });
  });
}

/** Greatest difference, over the size of the gradients: the direction itself may vanish. */
function errorOf(a: readonly number[], b: readonly number[], gradients: readonly number[][]): number {
  const size = Math.max(1e-2, ...gradients.flat().map(Math.abs));
  return Math.max(...b.map((value, i) => Math.abs(a[i]! - value))) / size;
}

describe("the direction of PCGrad", () => {
  test("is that of algorithm 1, for every order", () => {
    fc.assert(
      fc.property(tasks, ({ gradients, keys }) => {
        const rounded = keys.map((row) => row.map(Math.fround));
        fc.pre(decided(gradients, ordersOf(rounded)));
        const expected = algorithm1(gradients, ordersOf(rounded)).sum;
        expect(errorOf(surgery(gradients, keys), expected, gradients)).toBeLessThan(1e-4);
      }),
      { numRuns: 200 },
    );
  });

  test("of two tasks conflicts with neither; a worked example", () => {
    // (1, 0) and (−1, 1): the first becomes (½, ½), the second (0, 1).
    expect(
      surgery(
        [
          [1, 0],
          [-1, 1],
        ],
        zeros(2),
      ),
    ).toEqual([0.5, 1.5]);
    fc.assert(
      fc.property(
        fc.array(entry, { minLength: 4, maxLength: 4 }),
        fc.array(entry, { minLength: 4, maxLength: 4 }),
        (a, b) => {
          const direction = surgery([a, b], zeros(2));
          expect(dot(direction, a)).toBeGreaterThan(-1e-3);
          expect(dot(direction, b)).toBeGreaterThan(-1e-3);
        },
      ),
      { numRuns: 50 },
    );
  });

  test("is the sum where nothing conflicts, and for a single task", () => {
    expect(
      surgery(
        [
          [1, 0, 2],
          [0, 3, 1],
          [1, 1, 0],
        ],
        zeros(3),
      ),
    ).toEqual([2, 4, 3]);
    expect(surgery([[-1, 2]], zeros(1))).toEqual([-1, 2]);
  });

  test("stays finite where a gradient is 0, or is the opposite of another", () => {
    expect(
      surgery(
        [
          [0, 0],
          [1, -2],
        ],
        zeros(2),
      ),
    ).toEqual([1, -2]);
    expect(
      surgery(
        [
          [1, -2],
          [-1, 2],
        ],
        zeros(2),
      ).map(Math.abs),
    ).toEqual([0, 0]);
  });

  test("scales with the gradients, and does not depend on how the tasks are numbered", () => {
    fc.assert(
      fc.property(tasks, fc.integer({ min: 0, max: 4 }), ({ gradients, keys }, turn) => {
        const rounded = keys.map((row) => row.map(Math.fround));
        fc.pre(decided(gradients, ordersOf(rounded)));
        const distinct = rounded.every((row) => new Set(row).size === row.length);
        const plain = surgery(gradients, keys);
        const scaled = surgery(
          gradients.map((g) => g.map((value) => 8 * value)),
          keys,
        );
        const eightfold = plain.map((value) => 8 * value);
        expect(errorOf(scaled, eightfold, gradients) / 8).toBeLessThan(1e-4);
        if (!distinct) return;
        const order = gradients.map((_, i) => (i + turn) % gradients.length);
        const renumbered = surgery(
          order.map((i) => gradients[i]!),
          order.map((i) => order.map((j) => keys[i]![j]!)),
        );
        expect(errorOf(renumbered, plain, gradients)).toBeLessThan(1e-4);
      }),
      { numRuns: 60 },
    );
  });
});

// Three tasks on a shared vector s, two of which have a vector of their own: ℓ_k = ½‖s − t_k‖² + u_k·own_k.
const TARGETS = { a: [1, 0, 2], b: [-1, 1, 0.5], c: [0.2, -3, 1] };
const SHARED = [0.1, 0.2, -0.3];
const OWN = { a: [2, -1], b: [0.5, 4] };
const KEYS = [
  [0, 0.9, 0.1],
  [0.4, 0, 0.6],
  [0.8, 0.3, 0],
];
const GRADIENTS = Object.values(TARGETS).map((target) => SHARED.map((s, t) => s - target[t]!));

interface Step {
  gradients: Record<string, number[] | undefined>;
  total: number;
  forwards: number;
}

function step(
  combine: (terms: Record<string, Combined>, net: Net) => Combined,
  extra: Record<string, number[]> = {},
): Step {
  const vectors: Record<string, readonly number[]> = {
    s: SHARED,
    ownA: [1, 1],
    ownB: [1, 1],
    idle: [1],
    ...extra,
  };
  const inputs = Object.fromEntries(
    Object.entries(vectors).map(([name, values]) => [name, tf.tensor1d([...values])]),
  );
  const noise = { "combine/order": tf.tensor2d(KEYS) };
  const state = initialState([...scaleState("outer", 2), ...scaleState("inner", 2)]);
  const net = createNet({ classes: 0 }, true, inputs, state, noise);
  let forwards = 0;
  const forward = (): Combined => {
    forwards++;
    const fit = (target: number[]): tf.Tensor =>
      tf.mul(0.5, tf.sum(tf.square(tf.sub(inputs["s"]!, tf.tensor1d(target)))));
    const values = {
      a: tf.add(fit(TARGETS.a), tf.sum(tf.mul(inputs["ownA"]!, tf.tensor1d(OWN.a)))),
      b: tf.add(fit(TARGETS.b), tf.sum(tf.mul(inputs["ownB"]!, tf.tensor1d(OWN.b)))),
      c: fit(TARGETS.c),
    };
    const terms = Object.entries(values).map(([name, value]) => {
      return [name, term(name, { value: value as tf.Scalar, valid: tf.scalar(1) })] as const;
    });
    const combined = combine(Object.fromEntries(terms), net);
    for (const next of Object.values(net.updates)) tf.keep(next);
    return combined;
  };
  const before = tf.memory().numTensors;
  const names = Object.keys(inputs);
  const result = tf.tidy(() => {
    const { gradients, total } = combinedGradients(forward, Object.values(inputs));
    return {
      total: total.dataSync()[0]!,
      gradients: Object.fromEntries(
        gradients.map((g, i) => [names[i]!, g === undefined ? undefined : Array.from(g.dataSync())]),
      ),
    };
  });
  tf.dispose({ ...net.updates });
  expect(tf.memory().numTensors).toBe(before);
  return { ...result, forwards };
}

describe("a step with gradient surgery", () => {
  const all = ({ a, b, c }: Record<string, Combined>, net: Net): Combined =>
    pcgrad(net, "combine", [a!, b!, c!]);
  const direction = algorithm1(GRADIENTS, ordersOf(KEYS)).sum;
  const sum = SHARED.map((_, t) => GRADIENTS.reduce((total, g) => total + g[t]!, 0));

  test("the example does conflict", () => {
    expect(relativeError(direction, sum)).toBeGreaterThan(0.1);
  });

  test("operates on what tasks share, leaves their own parameters alone, and runs forward once", () => {
    const { gradients, forwards, total } = step(all);
    expect(relativeError(gradients["s"]!, direction)).toBeLessThan(1e-5);
    expect(gradients["ownA"]).toEqual(OWN.a);
    expect(gradients["ownB"]).toEqual(OWN.b);
    expect(gradients["idle"]).toBeUndefined();
    expect(forwards).toBe(1);
    const plain = step(({ a, b, c }) =>
      weightedSum([
        [1, a!],
        [1, b!],
        [1, c!],
      ]),
    );
    expect(total).toBeCloseTo(plain.total, 5);
    expect(relativeError(plain.gradients["s"]!, sum)).toBeLessThan(1e-5);
  });

  test("within a sum it is one term among others, times its coefficient", () => {
    const KEYS2 = ordersOf([KEYS[0]!.slice(0, 2), KEYS[1]!.slice(0, 2)]);
    const two = algorithm1(GRADIENTS.slice(0, 2), KEYS2).sum;
    const { gradients } = step(({ a, b, c }, net) => {
      const order = {
        ...net,
        noise: (): tf.Tensor =>
          tf.tensor2d([
            [0, 0],
            [0, 0],
          ]),
      };
      return weightedSum([
        [0.5, pcgrad(order, "combine", [a!, b!])],
        [3, c!],
      ]);
    });
    const expected = SHARED.map((_, t) => 0.5 * two[t]! + 3 * GRADIENTS[2]![t]!);
    expect(relativeError(gradients["s"]!, expected)).toBeLessThan(1e-5);
    expect(gradients["ownA"]).toEqual(OWN.a.map((value) => 0.5 * value));
  });

  test("below weights and scales it is scaled like its value, and the weights learn from the value", () => {
    const logits = [0.8, 0];
    const { gradients } = step(
      ({ a, b, c }, net) => {
        const outer = { ...net, param: (): tf.Tensor => net.param("outer/a") };
        return learned(outer, "outer", [all({ a: a!, b: b!, c: c! }, net), c!]);
      },
      { "outer/a": logits },
    );
    // Both operands over themselves at the first step; the direction is w/s times that of the surgery.
    const values = Object.entries(TARGETS).map(([name, target]) => {
      const own = name === "c" ? 0 : OWN[name as "a" | "b"].reduce((total, value) => total + value, 0);
      return own + 0.5 * SHARED.reduce((total, s, t) => total + (s - target[t]!) ** 2, 0);
    });
    const total = values.reduce((a, b) => a + b, 0);
    const share = 1 / (1 + Math.exp(-0.8));
    const [w, v] = [1 / 8 + 0.75 * share, 1 / 8 + 0.75 * (1 - share)];
    const expected = SHARED.map((_, t) => (w * direction[t]!) / total + (v * GRADIENTS[2]![t]!) / values[2]!);
    expect(relativeError(gradients["s"]!, expected)).toBeLessThan(1e-5);
    expect(gradients["outer/a"]!.every((g) => Math.abs(g) < 1e-6)).toBe(true);
  });

  test("below it stand values: a strategy over losses is one task, a second surgery is refused", () => {
    const { gradients } = step(({ a, b, c }, net) => {
      const order = {
        ...net,
        noise: (): tf.Tensor =>
          tf.tensor2d([
            [0, 0],
            [0, 0],
          ]),
      };
      return pcgrad(order, "combine", [equal(net, "inner", [a!, b!], { scale: "none" }), c!]);
    });
    const half = SHARED.map((_, t) => 0.5 * (GRADIENTS[0]![t]! + GRADIENTS[1]![t]!));
    const expected = algorithm1([half, GRADIENTS[2]!], [[1], [0]]).sum;
    expect(relativeError(gradients["s"]!, expected)).toBeLessThan(1e-5);
    expect(() =>
      step(({ a, b, c }, net) => pcgrad(net, "combine", [all({ a: a!, b: b!, c: c! }, net), c!])),
    ).toThrow("no gradient of its own");
  });

  test("declares its order as noise", () => {
    expect(pcgradNoise("combine", 3)).toEqual([{ name: "combine/order", shape: [3, 3] }]);
  });
});
