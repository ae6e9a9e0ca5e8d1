import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { startEngine } from "../../src/runtime/engine/index.ts";
import {
  equal,
  learned,
  learnedParameters,
  scaleState,
  weightedSum,
} from "../../src/runtime/ensemble/index.ts";
import type { Scale } from "../../src/runtime/ensemble/index.ts";
import type { ParameterSpec, StateSpec } from "../../src/runtime/program.ts";
import { run } from "./values.ts";
import type { Combine, Result, Values } from "./values.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

/** `learned` over all losses of the step, in their order. */
function learnedAll(options: { floor?: number; scale?: Scale } = {}): Combine {
  return (losses, net) => learned(net, "combine", Object.values(losses), options);
}

function learnedOf(
  count: number,
  options: { floor?: number; scale?: Scale } = {},
): [Combine, ParameterSpec[], StateSpec[]] {
  return [
    learnedAll(options),
    learnedParameters("combine", count, options),
    scaleState("combine", count, options.scale),
  ];
}

const positive = fc.double({ min: 1e-2, max: 1e2, noNaN: true });
const logits = fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: 2, maxLength: 6 });

function named(values: readonly number[]): Values {
  return Object.fromEntries(values.map((value, i) => [`loss${i}`, value]));
}

describe("arithmetic", () => {
  test("is raw, and multiplies coefficients along the path", () => {
    const combine: Combine = ({ a, b, c }) =>
      weightedSum([
        [0.3, a!],
        [
          2,
          weightedSum([
            [1, b!],
            [0.5, c!],
          ]),
        ],
      ]);
    const [result] = run(combine, [{ a: 10, b: 100, c: 1000 }]);
    expect(result!.value).toBeCloseTo(3 + 200 + 1000, 3);
    expect(result!.weights["a"]).toBeCloseTo(0.3, 6);
    expect(result!.weights["b"]).toBe(2);
    expect(result!.weights["c"]).toBe(1);
    expect(result!.gradient["c"]![0]).toBe(1);
  });

  test("is valid if any operand is, and a loss that stands twice has the sum of its weights", () => {
    const combine: Combine = ({ a, b }) =>
      weightedSum([
        [1, a!],
        [2, a!],
        [1, b!],
      ]);
    const [first, second] = run(combine, [
      { a: 1, b: null },
      { a: null, b: null },
    ]);
    expect(first!.weights).toEqual({ a: 3, b: 1 });
    expect([first!.valid, second!.valid]).toEqual([1, 0]);
  });
});

describe("learned", () => {
  test("weights are on the simplex and at or above the floor", () => {
    fc.assert(
      fc.property(logits, fc.double({ min: 0, max: 1, noNaN: true }), (a, share) => {
        const floor = share / a.length;
        const [combine, , states] = learnedOf(a.length, { floor });
        const [result] = run(combine, [named(a.map(() => 1))], [], states, { "combine/a": a });
        const weights = Object.values(result!.weights);
        expect(weights.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 5);
        for (const weight of weights) expect(weight).toBeGreaterThanOrEqual(floor - 1e-6);
      }),
      { numRuns: 30 },
    );
  });

  test("its default floor is 1/(4K)", () => {
    const [combine, , states] = learnedOf(4);
    const [result] = run(combine, [named([1, 1, 1, 1])], [], states, { "combine/a": [50, 0, 0, 0] });
    expect(result!.weights["loss3"]).toBeCloseTo(1 / 16, 6);
    expect(result!.weights["loss0"]).toBeCloseTo(1 - 3 / 16, 6);
  });

  test("the gradient of `a` equals finite differences", () => {
    fc.assert(
      fc.property(logits, fc.infiniteStream(positive), (a, stream) => {
        const values = named(a.map(() => stream.next().value!));
        const [combine, , states] = learnedOf(a.length, { scale: "none" });
        const at = (logits: number[]): Result =>
          run(combine, [values], [], states, { "combine/a": logits })[0]!;
        const gradient = at(a).gradient["combine/a"]!;
        const size = Math.max(...Object.values(values).map((v) => v!));
        a.forEach((_, k) => {
          const moved = (by: number): number => at(a.map((x, i) => (i === k ? x + by : x))).value;
          const difference = (moved(0.01) - moved(-0.01)) / 0.02;
          expect(Math.abs(gradient[k]! - difference) / size).toBeLessThan(2e-3);
        });
      }),
      { numRuns: 15 },
    );
  });

  test("follows the replicator equation: −dL/da_k is proportional to w_k times how far below the mean loss k lies", () => {
    const a = [0.3, -0.2, 0.1];
    const losses = [1, 2, 4];
    const [combine, , states] = learnedOf(3, { scale: "none", floor: 0 });
    const [result] = run(combine, [named(losses)], [], states, { "combine/a": a });
    const w = Object.values(result!.weights);
    const mean = losses.reduce((sum, loss, k) => sum + w[k]! * loss, 0);
    losses.forEach((loss, k) =>
      expect(result!.gradient["combine/a"]![k]).toBeCloseTo(w[k]! * (loss - mean), 5),
    );
  });

  test("a loss multiplied by 100 leaves value and weights the same, at every step", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(positive, positive), { minLength: 1, maxLength: 5 }), (history) => {
        for (const scale of ["running_mean", "initial"] as const) {
          const setup = learnedOf(2, { scale });
          const plain = run(
            setup[0],
            history.map(([a, b]) => ({ a, b })),
            setup[1],
            setup[2],
          );
          const scaled = run(
            setup[0],
            history.map(([a, b]) => ({ a: 100 * a, b })),
            setup[1],
            setup[2],
          );
          plain.forEach((result, i) => {
            expect(scaled[i]!.value / result.value).toBeCloseTo(1, 4);
            expect(scaled[i]!.gradient["combine/a"]![0]).toBeCloseTo(result.gradient["combine/a"]![0]!, 3);
          });
        }
      }),
      { numRuns: 10 },
    );
  });

  test("starts at its prior", () => {
    const [result] = run(
      learnedAll({ scale: "none" }),
      [named([1, 1, 1])],
      learnedParameters("combine", 3, { prior: [1, 2, 1] }),
    );
    expect(Object.values(result!.weights).map((w) => Number(w.toFixed(5)))).toEqual([0.25, 0.5, 0.25]);
    expect(() => learnedParameters("combine", 3, { prior: [0.01, 2, 1] })).toThrow(/not above the floor/);
    expect(() => learnedParameters("combine", 3, { floor: 0.5 })).toThrow(/floor 0.5/);
  });

  test("its parameters learn in the group `weights`, without decay", () => {
    const [spec] = learnedParameters("combine", 2);
    expect(spec).toMatchObject({
      name: "combine/a",
      shape: [2],
      group: "weights",
      decay: false,
      trainable: true,
    });
  });
});

describe("scales", () => {
  test("the running mean is cumulative, includes the current step and carries no gradient", () => {
    const [combine, parameters, states] = learnedOf(2);
    const results = run(
      combine,
      [
        { a: 2, b: 1 },
        { a: 4, b: 1 },
        { a: 9, b: 1 },
      ],
      parameters,
      states,
    );
    // a over its means 2, 3, 5; b over 1; weights ½.
    expect(results.map((result) => result.value)).toEqual([
      expect.closeTo(1, 5),
      expect.closeTo((4 / 3 + 1) / 2, 5),
      expect.closeTo((9 / 5 + 1) / 2, 5),
    ]);
    expect(results[2]!.gradient["a"]![0]).toBeCloseTo(0.5 / 5, 6);
  });

  test("a step without a valid tuple leaves the mean alone", () => {
    const [combine, parameters, states] = learnedOf(2);
    const results = run(
      combine,
      [
        { a: 3, b: 1 },
        { a: null, b: 1 },
        { a: null, b: 1 },
        { a: 3, b: 1 },
      ],
      parameters,
      states,
    );
    expect(results[1]!.value).toBeCloseTo(0.5, 6);
    expect(results[3]!.value).toBeCloseTo(1, 6);
  });

  test("a loss with no valid tuple so far is 0 and harmless", () => {
    for (const scale of ["none", "initial", "running_mean"] as const) {
      const [combine, parameters, states] = learnedOf(2, { scale });
      const [result] = run(combine, [{ a: null, b: 2 }], parameters, states);
      expect(Number.isFinite(result!.value)).toBe(true);
      expect(result!.gradient["combine/a"]!.every(Number.isFinite)).toBe(true);
      expect(result!.valid).toBe(1);
    }
  });

  test("a hinge that wakes after zeros does not explode", () => {
    const [combine, parameters, states] = learnedOf(2);
    const quiet: Values[] = Array.from({ length: 20 }, () => ({ hinge: 0, other: 1 }));
    const results = run(combine, [...quiet, { hinge: 0.3, other: 1 }], parameters, states);
    // 0.3 over the mean 0.3 / 21: at most the number of steps.
    expect(results[20]!.value).toBeCloseTo((21 + 1) / 2, 3);
    const asleep: Values[] = Array.from({ length: 20 }, () => ({ hinge: null, other: 1 }));
    const woken = run(combine, [...asleep, { hinge: 0.3, other: 1 }], parameters, states);
    expect(woken[20]!.value).toBeCloseTo(1, 5);
  });

  test("`initial` keeps the first valid value", () => {
    const [combine, parameters, states] = learnedOf(2, { scale: "initial" });
    const results = run(
      combine,
      [
        { a: null, b: 1 },
        { a: 4, b: 1 },
        { a: 2, b: 3 },
      ],
      parameters,
      states,
    );
    expect(results[1]!.value).toBeCloseTo(1, 6);
    expect(results[2]!.value).toBeCloseTo((0.5 + 3) / 2, 6);
  });
});

describe("equal", () => {
  test("is what learned is at the start, with the same scale", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(positive, positive, positive), { minLength: 1, maxLength: 4 }),
        (history) => {
          const steps = history.map(named);
          const [combine, parameters, states] = learnedOf(3);
          const atStart = run(combine, steps, parameters, states);
          const fixed = run((losses, net) => equal(net, "combine", Object.values(losses)), steps, [], states);
          fixed.forEach((result, i) => {
            expect(result.value / atStart[i]!.value).toBeCloseTo(1, 5);
            expect(result.gradient["loss1"]![0]! / atStart[i]!.gradient["loss1"]![0]!).toBeCloseTo(1, 4);
          });
        },
      ),
      { numRuns: 15 },
    );
  });
});

describe("nesting", () => {
  test("effective weights are products along the path and sum to 1 under simplex nodes", () => {
    const combine: Combine = ({ a, b, c }, net) =>
      learned(net, "outer", [a!, equal(net, "inner", [b!, c!])], { scale: "none" });
    const [result] = run(
      combine,
      [{ a: 1, b: 2, c: 4 }],
      learnedParameters("outer", 2),
      scaleState("inner", 2),
    );
    expect(result!.weights["a"]).toBeCloseTo(0.5, 6);
    expect(result!.weights["b"]).toBeCloseTo(0.25, 6);
    expect(result!.weights["c"]).toBeCloseTo(0.25, 6);
    expect(result!.value).toBeCloseTo(0.5 + 0.5, 6);
  });

  test("the order of the operands does not matter", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(positive, positive, positive), { minLength: 1, maxLength: 3 }),
        (history) => {
          const a = [0.7, -0.4, 0.1];
          const states = scaleState("combine", 3);
          const there = run(learnedAll(), history.map(named), [], states, { "combine/a": a });
          const back: Combine = (losses, net) => learned(net, "combine", Object.values(losses).reverse());
          const reversed = run(back, history.map(named), [], states, { "combine/a": [...a].reverse() });
          reversed.forEach((result, i) => {
            expect(result.value / there[i]!.value).toBeCloseTo(1, 5);
            expect(result.weights["loss0"]).toBeCloseTo(there[i]!.weights["loss0"]!, 5);
          });
        },
      ),
      { numRuns: 10 },
    );
  });
});
