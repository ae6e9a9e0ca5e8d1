import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { startEngine } from "../../src/runtime/engine/index.ts";
import {
  equal,
  gated,
  gateParameters,
  hierarchical,
  hierarchicalParameters,
  learned,
  learnedParameters,
  scaleState,
  term,
} from "../../src/runtime/ensemble/index.ts";
import type { Combined, LossValue, Net } from "../../src/runtime/program.ts";
import { FEATURES, see } from "./support.ts";
import { run } from "./values.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

type Terms = Record<string, Combined>;

/** Two groups of two losses, as in language.md. */
function groups({ a, b, c, d }: Terms, net: Net, by: "learned" | "equal" = "learned"): Combined {
  const pairs = learned(net, "combine/pairs", [a!, b!]);
  const proxies = equal(net, "combine/proxies", [c!, d!]);
  return hierarchical(
    net,
    "combine",
    [
      ["pairs", pairs],
      ["proxies", proxies],
    ],
    { by },
  );
}
const PARAMETERS = [...hierarchicalParameters("combine", 2), ...learnedParameters("combine/pairs", 2)];
const STATE = [
  ...scaleState("combine", 2),
  ...scaleState("combine/pairs", 2),
  ...scaleState("combine/proxies", 2),
];
const SET = { "combine/a": [0.4, -0.1], "combine/pairs/a": [0.9, 0.2] };

/** Weights of `learned` over two, in plain numbers. */
function simplex([x, y]: readonly number[]): [number, number] {
  const share = 1 / (1 + Math.exp(y! - x!));
  return [1 / 8 + 0.75 * share, 1 / 8 + 0.75 * (1 - share)];
}

describe("hierarchical", () => {
  const positive = fc.double({ min: 1e-2, max: 1e2, noNaN: true });
  const history = fc.array(fc.tuple(positive, positive, positive, positive), { minLength: 1, maxLength: 4 });

  test("is Σ_g w_g L_g / mean(L_g), L_g = Σ_k w_k|g ℓ_k / mean(ℓ_k), step by step", () => {
    fc.assert(
      fc.property(history, fc.constantFrom("learned", "equal"), (steps, by) => {
        const results = run(
          (losses, net) => groups(losses, net, by as "learned" | "equal"),
          steps.map(([a, b, c, d]) => ({ a, b, c, d })),
          by === "learned" ? PARAMETERS : learnedParameters("combine/pairs", 2),
          STATE,
          by === "learned" ? SET : { "combine/pairs/a": SET["combine/pairs/a"] },
        );
        const outer = by === "learned" ? simplex(SET["combine/a"]) : [0.5, 0.5];
        const inner = [...simplex(SET["combine/pairs/a"]), 0.5, 0.5];
        const sums = [0, 0, 0, 0];
        const groupSums = [0, 0];
        steps.forEach((values, t) => {
          const scaled = values.map((value, k) => {
            sums[k]! += value;
            return (inner[k]! * value) / (sums[k]! / (t + 1));
          });
          const levels = [scaled[0]! + scaled[1]!, scaled[2]! + scaled[3]!];
          const expected = levels.reduce((total, level, g) => {
            groupSums[g]! += level;
            return total + (outer[g]! * level) / (groupSums[g]! / (t + 1));
          }, 0);
          expect(results[t]!.value / expected).toBeCloseTo(1, 4);
        });
      }),
      { numRuns: 15 },
    );
  });

  test("reports weights of losses in the whole, of groups, and of losses within their group", () => {
    const [result] = run(groups, [{ a: 1, b: 2, c: 3, d: 4 }], PARAMETERS, STATE, SET);
    const [outer, inner] = [simplex(SET["combine/a"]), simplex(SET["combine/pairs/a"])];
    const near = (value: number): unknown => expect.closeTo(value, 5);
    expect(result!.weights).toEqual({
      a: near(outer[0] * inner[0]),
      b: near(outer[0] * inner[1]),
      c: near(outer[1] / 2),
      d: near(outer[1] / 2),
    });
    expect(result!.groups).toEqual({
      pairs: near(outer[0]),
      "pairs/a": near(inner[0]),
      "pairs/b": near(inner[1]),
      proxies: near(outer[1]),
      "proxies/c": near(0.5),
      "proxies/d": near(0.5),
    });
  });

  test("groups within groups are named by their path, whatever they are called", () => {
    const nested = ({ a, b, c }: Terms, net: Net): Combined => {
      const inner = hierarchical(
        net,
        "combine/0",
        [
          ["x", a!],
          ["__proto__", b!],
        ],
        { by: "equal" },
      );
      return hierarchical(
        net,
        "combine",
        [
          ["constructor", inner],
          ["y", c!],
        ],
        { by: "equal" },
      );
    };
    const state = [...scaleState("combine", 2), ...scaleState("combine/0", 2)];
    const [result] = run(nested, [{ a: 1, b: 1, c: 1 }], [], state);
    expect(Object.keys(result!.groups!).sort()).toEqual(
      [
        "constructor",
        "constructor/a",
        "constructor/b",
        "constructor/x",
        "constructor/x/a",
        "constructor/__proto__",
        "constructor/__proto__/b",
        "y",
        "y/c",
      ].sort(),
    );
    expect(result!.weights["a"]).toBeCloseTo(0.25, 6);
  });

  test("of one-loss groups with the same strategy is the flat one", () => {
    const flat = run(
      ({ a, b }, net) => learned(net, "combine", [a!, b!]),
      [
        { a: 2, b: 30 },
        { a: 1, b: 50 },
      ],
      learnedParameters("combine", 2),
      scaleState("combine", 2),
      { "combine/a": SET["combine/a"] },
    );
    const grouped = run(
      ({ a, b }, net) =>
        hierarchical(net, "combine", [
          ["one", a!],
          ["two", b!],
        ]),
      [
        { a: 2, b: 30 },
        { a: 1, b: 50 },
      ],
      hierarchicalParameters("combine", 2),
      scaleState("combine", 2),
      { "combine/a": SET["combine/a"] },
    );
    grouped.forEach((result, t) => {
      expect(result.value).toBe(flat[t]!.value);
      expect(result.gradient).toEqual(flat[t]!.gradient);
    });
  });

  test("a gate may stand in a group: shares, objective and names pass through", () => {
    const terms = (losses: Record<string, LossValue>): Combined[] =>
      Object.entries(losses).map(([name, loss]) => term(name, loss));
    const seen = see({
      names: ["a", "b"],
      parameters: [...gateParameters("combine/one", FEATURES, 2), ...hierarchicalParameters("combine", 1)],
      state: [...scaleState("combine", 1), ...scaleState("combine/one", 2)],
      combine: (losses, context) => {
        const gate = gated(context, "combine/one", terms(losses), [["a"], ["b"]]);
        return hierarchical(context.net, "combine", [["one", gate]]);
      },
    });
    expect(seen.own).toBeGreaterThan(0);
    expect(seen.groups).toMatchObject({ one: 1, "one/a": 0.5, "one/b": 0.5 });
    expect(seen.perSample!.reduce((sum, share) => sum + share, 0) / 8).toBeCloseTo(seen.value, 5);
  });
});
