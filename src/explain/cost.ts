/**
 * How memory and time of a loss grow with the batch, the classes and the width of the embedding: read off the graph that
 * is emitted, after its passes. Pure.
 *
 * Memory is what a step keeps for the backward pass and makes of the states, time its multiplications and additions, both up to a factor: the
 * largest products of sizes among all nodes, those that another one outgrows left out. Reductions too large for memory run
 * in blocks, which keep less than is said here and compute it twice.
 */
import type { Dim, Node } from "../ir/graph.ts";
import { Graph } from "../ir/graph.ts";
import { NO_RULES } from "../ir/build.ts";
import { lowerLoss } from "../ir/lower/loss.ts";
import { topological } from "../ir/order.ts";
import { optimise } from "../ir/passes/optimise.ts";
import type { LossInstance, MinerInstance } from "../resolve/values.ts";

/** A product of sizes: how often each counts in it. */
export interface Growth {
  /** Samples of the batch. */
  readonly B: number;
  /** Samples of each class in it. */
  readonly K: number;
  /** Classes of the data. */
  readonly C: number;
  /** Width of the embedding. */
  readonly D: number;
}

export interface Cost {
  readonly memory: readonly Growth[];
  readonly time: readonly Growth[];
  /** Of trained parameters. */
  readonly parameters: readonly Growth[];
}

const LETTERS = ["B", "K", "C", "D"] as const;
const ONE: Growth = { B: 0, K: 0, C: 0, D: 0 };
/** Primes that stand for the width and the samples a class: no formula makes them of other numbers. */
const WIDTH = 1009;
const SAMPLES = 1013;

/** Throws `LoweringError` for a loss that cannot be built. */
export function costOf(instance: LossInstance, miner?: MinerInstance): Cost {
  const count = instance.declaration.views?.length ?? 1;
  const views = Array.from({ length: count }, (_, view) => ({ name: "x", dim: WIDTH, view }));
  const lowered = lowerLoss(new Graph(), instance, { path: "loss", views, miner, rules: NO_RULES });
  const [optimised] = optimise(new Graph(), [{ lowered }], { samples: SAMPLES });
  const { value, valid, states } = optimised!.lowered;
  const nodes = topological([value, valid, ...states.map(({ next }) => next)]);
  return {
    memory: largest(nodes.filter(isKept).map(({ shape }) => growthOf(shape))),
    time: largest(nodes.map(timeOf)),
    parameters: largest(optimised!.lowered.parameters.map(({ shape }) => growthOf(shape))),
  };
}

/** Views share what they look at; leaves are there anyway. */
function isKept({ operation }: Node): boolean {
  return !["view", "input", "labels", "ids", "param", "state", "constant", "size"].includes(operation.kind);
}

function timeOf(node: Node): Growth {
  const { operation, inputs, shape } = node;
  const own = growthOf(shape);
  const along = inputs[0] === undefined ? ONE : growthOf(inputs[0].shape.slice(-1));
  switch (operation.kind) {
    case "matmul":
    case "squared_distance":
    case "inverse":
    case "solve":
      return times(own, along);
    case "view":
      return ONE;
    default:
      // Each element of what comes in or goes out, broadcast: for a reduction that of its inputs together.
      return broadcast([shape, ...inputs.map((input) => input.shape)].map(growthOf));
  }
}

/** Of a shape. */
function growthOf(shape: readonly Dim[]): Growth {
  return shape.map(sideGrowth).reduce(times, ONE);
}

function sideGrowth(side: Dim): Growth {
  if (typeof side === "string") return side.startsWith("classes") ? { ...ONE, C: 1 } : { ...ONE, B: 1 };
  if (side === WIDTH) return { ...ONE, D: 1 };
  return side === SAMPLES ? { ...ONE, K: 1 } : ONE;
}

function times(a: Growth, b: Growth): Growth {
  return { B: a.B + b.B, K: a.K + b.K, C: a.C + b.C, D: a.D + b.D };
}

function broadcast(all: readonly Growth[]): Growth {
  const most = (letter: keyof Growth): number => Math.max(...all.map((one) => one[letter]));
  return { B: most("B"), K: most("K"), C: most("C"), D: most("D") };
}

/** Those that no other one outgrows, the steepest first. A class has no more samples than the batch: B·K is below B². */
function largest(all: readonly Growth[]): Growth[] {
  const below = (a: Growth, b: Growth): boolean =>
    a.B <= b.B && a.B + a.K <= b.B + b.K && a.C <= b.C && a.D <= b.D;
  const kept: Growth[] = [];
  for (const one of all) {
    if (kept.some((other) => below(one, other))) continue;
    kept.splice(0, kept.length, ...kept.filter((other) => !below(other, one)), one);
  }
  const order = (a: Growth, b: Growth): number => {
    const letter = LETTERS.find((each) => a[each] !== b[each]);
    return letter === undefined ? 0 : b[letter] - a[letter];
  };
  return kept.sort(order);
}

/** "B² + B·D"; "1" for what does not grow. */
export function writeGrowth(all: readonly Growth[]): string {
  const term = (one: Growth): string => {
    const factors = LETTERS.filter((letter) => one[letter] > 0);
    return factors.length === 0 ? "1" : factors.map((letter) => power(letter, one[letter])).join("·");
  };
  return all.length === 0 ? "1" : all.map(term).join(" + ");
}

function power(letter: string, exponent: number): string {
  return exponent === 1
    ? letter
    : `${letter}${[...String(exponent)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("")}`;
}

/** What a growth comes to at given sizes, up to a factor: for tests and comparisons. */
export function sizeAt(all: readonly Growth[], sizes: Readonly<Record<keyof Growth, number>>): number {
  return all.reduce(
    (sum, one) => sum + LETTERS.reduce((product, letter) => product * sizes[letter] ** one[letter], 1),
    0,
  );
}
