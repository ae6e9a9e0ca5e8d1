/**
 * Losses over several labels, and with a `same` of their own: the compiled form and the interpreter agree on value,
 * validity and gradients, for batches sorted by class and any others, on miners and against memories; and where labels
 * agree with the class, they are the class.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { compileLoss } from "../../src/cli/compiled_loss.ts";
import type { LabelSet, Memory } from "../../src/interpret/index.ts";
import { initialParams, InterpretError, interpretLoss } from "../../src/interpret/index.ts";
import type { LossInstance, MinerInstance } from "../../src/resolve/values.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import { formula, loss, miner } from "../interpret/support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const DIM = 4;
/** Four classes of three: two of them animals, two plants; drawn in three styles that cut across. */
const LABELS = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3];
const COARSE: LabelSet = { labels: LABELS.map((label) => label >> 1), classes: 2 };
const STYLE: LabelSet = { labels: [0, 1, 2, 2, 0, 1, 1, 1, 0, 2, 0, 0], classes: 5 };
const FURTHER = new Map([
  ["coarse", COARSE],
  ["style", STYLE],
]);
const FINE = new Map([...FURTHER, ["fine", { labels: LABELS, classes: 4 }]]);

function batchFor(instance: LossInstance, by?: string, further: ReadonlyMap<string, LabelSet> = FURTHER) {
  const random = counterRandom(3, "labels");
  const data = Float64Array.from({ length: LABELS.length * DIM }, () => Math.fround(0.6 * random.normal()));
  const labels = Object.fromEntries([...further].map(([name, { classes }]) => [name, classes]));
  const params = new Map(
    [...initialParams(instance, { classes: 4, dim: DIM, labels, by }, 1)].map(([name, tensor]) => [
      name,
      { ...tensor, data: tensor.data.map(Math.fround) },
    ]),
  );
  return {
    views: [{ rows: LABELS.length, columns: DIM, data }],
    labels: LABELS,
    classes: 4,
    further,
    params,
  };
}

interface Use {
  readonly by?: string;
  readonly miner?: MinerInstance;
  readonly memory?: Memory;
}

const largest = (values: Iterable<number>): number => Math.max(0, ...[...values].map(Math.abs));

function near(actual: ArrayLike<number>, exact: ArrayLike<number>, what: string): void {
  const wanted = Array.from(exact);
  const off = largest(wanted.map((value, k) => actual[k]! - value));
  expect(off, what).toBeLessThanOrEqual(3e-5 * largest(wanted) + 2e-6);
}

/** Holds both forms against each other and gives the interpreter's answer. */
function agree(instance: LossInstance, { by, miner: chosen, memory }: Use = {}) {
  const ids = LABELS.map((_, row) => row);
  const batch = { ...batchFor(instance, by), ...(memory === undefined ? {} : { ids, memory }) };
  const mined = chosen === undefined ? {} : { miner: chosen };
  const exact = interpretLoss(instance, batch, { gradient: true, by, ...mined });
  for (const samples of [undefined, 3]) {
    const options = { by, ...mined, memory: memory?.size, ...(samples === undefined ? {} : { samples }) };
    const answer = compileLoss(instance, [DIM], options).evaluate(batch);
    near([answer.value], [exact.value], "value");
    expect(answer.valid).toBe(exact.valid);
    near(answer.gradient.views[0]!, exact.gradient!.views[0]!, "gradient");
    for (const [name, slopes] of exact.gradient!.params)
      near(answer.gradient.params.get(name)!, slopes, `gradient of ${name}`);
    if (memory !== undefined) {
      expect(answer.memory!.labels).toEqual(exact.memory!.labels);
      for (const [name, own] of answer.memory!.further ?? [])
        expect(own).toEqual(exact.memory!.further!.get(name));
    }
  }
  return exact;
}

const TWO_LEVELS = `
  let d(i, j) = euclidean(x[i], x[j])
    mean_active[a, p, n | same(a, p), differs(a, n, on: coarse)] relu(d(a, p) - d(a, n) + 0.4)
  + 0.5 * mean_active[a, p, n | same(a, p, on: coarse), differs(a, p), differs(a, n, on: coarse)]
      relu(d(a, p) - d(a, n) + 0.2)`;

const TABLE = `
  param w: real[classes(on: style), dim] = kaiming_normal()
  param b: real[classes(on: style)] = uniform()
  mean[i] cross_entropy[k in classes(on: style)](cosine(x[i], w[k]) + b[k], label(i, on: style))
    + 0.1 * mean[i] b[label(i, on: style)]`;

const OWN = `
  let same(i, j) = same(i, j, on: coarse) and not same(i, j) and label(i, on: style) == label(j, on: style)
  let differs(i, j) = differs(i, j, on: coarse) or differs(i, j, on: style)
  let d(i, j) = euclidean(x[i], x[j])
  mean_active[i, j | i != j, same(i, j)] d(i, j) + mean_active[i, j | differs(i, j)] relu(1.5 - d(i, j))`;

const OWN_TRIPLETS = `
  let same(i, j) = i != j and (same(i, j) or label(i, on: style) == label(j, on: style))
  let differs(i, j) = differs(i, j, on: coarse) and label(i, on: style) != label(j, on: style)
  mean_active[a, p, n | same(a, p), differs(a, n)]
    relu(euclidean(x[a], x[p]) - euclidean(x[a], x[n]) + 0.5)`;

const RANKED = `mean[i] (logsumexp[j | same(i, j, on: style)] cosine(x[i], x[j])) / classes(on: coarse)`;

const memory = (rows: number): Memory => {
  const random = counterRandom(5, "memory");
  const at = Array.from({ length: rows }, (_, k) => (k * 7) % LABELS.length);
  const pick = (of: readonly number[]): number[] => at.map((row) => of[row]!);
  return {
    size: 10,
    views: [
      {
        rows,
        columns: DIM,
        data: Float64Array.from({ length: rows * DIM }, () => Math.fround(random.normal())),
      },
    ],
    labels: pick(LABELS),
    further: new Map([...FURTHER].map(([name, { labels }]) => [name, pick(labels)])),
    ids: at.map((row, k) => (k % 3 === 0 ? row : 100 + k)),
  };
};

describe("formulas over several labels, as compiled and interpreted", () => {
  it.each([
    ["triplets at two levels", TWO_LEVELS],
    ["a table of another label's classes", TABLE],
    ["a `same` of its own", OWN],
    ["triplets of its own", OWN_TRIPLETS],
    ["a count of classes", RANKED],
  ])("%s", (_, text) => {
    const answer = agree(formula(text));
    expect(answer.valid).toBe(true);
    expect(answer.value).not.toBe(0);
  });

  it.each(["contrastive", "multi_similarity", "triplet", "arcface", "proxy_anchor", "soft_triple", "supcon"])(
    "%s by another label",
    (name) => {
      for (const by of ["coarse", "style"]) expect(agree(loss(name), { by }).value).not.toBe(0);
    },
  );

  it.each([0, 4, 10])("against a memory of %i samples", (rows) => {
    for (const text of [TWO_LEVELS, OWN, OWN_TRIPLETS, RANKED])
      agree(formula(text), { memory: memory(rows) });
    agree(loss("contrastive"), { by: "style", memory: memory(rows) });
  });

  it("on miners", () => {
    agree(formula(OWN), { miner: miner("pair_margin") });
    agree(formula(OWN_TRIPLETS), { miner: miner("semi_hard") });
    agree(formula(TWO_LEVELS), { miner: miner("semi_hard"), memory: memory(10) });
    agree(loss("triplet"), { by: "style", miner: miner("batch_hard") });
  });
});

describe("a label that says what the class says", () => {
  it("is the class, in formulas and behind `by`", () => {
    for (const [named, plain] of [
      [
        "mean[i, j | same(i, j, on: fine)] euclidean(x[i], x[j])",
        "mean[i, j | same(i, j)] euclidean(x[i], x[j])",
      ],
      [
        "mean[i] x[i, 0] * (if label(i, on: fine) == 2 then 1 else 0)",
        "mean[i] x[i, 0] * (if y[i] == 2 then 1 else 0)",
      ],
    ] as const) {
      const [a, b] = [named, plain].map((text) => {
        const instance = formula(text);
        return interpretLoss(instance, batchFor(instance, undefined, FINE)).value;
      });
      expect(a).toBe(b);
    }
    const instance = loss("arcface");
    const batch = batchFor(instance, undefined, FINE);
    expect(interpretLoss(instance, batch, { by: "fine" }).value).toBe(interpretLoss(instance, batch).value);
  });

  it("gives the program that leaves it out, where the data set calls the class so", async () => {
    const { lowerLoss } = await import("../../src/ir/lower/loss.ts");
    const { Graph } = await import("../../src/ir/graph.ts");
    const graph = new Graph();
    const lowered = (text: string, by?: string) =>
      lowerLoss(graph, formula(text), {
        path: "losses/l",
        views: [{ name: "h", dim: 4 }],
        mainLabel: "fine",
        by,
      });
    const plain = lowered("mean[i, j | same(i, j)] dot(x[i], x[j])");
    const named = lowered("mean[i, j | same(i, j, on: fine)] dot(x[i], x[j])", "fine");
    expect(named.value).toBe(plain.value);
    expect(named.labels).toEqual([]);
  });
});

describe("a pair miner on a `same` of one's own", () => {
  it("restricts it as a whole", () => {
    const own = formula("sum[i, j | i < j, same(i, j)] 1", "let same(i, j) = not same(i, j)");
    const written = formula("sum[i, j | i < j, not same(i, j), euclidean(x[i], x[j]) < 1] 1");
    const near = miner("near", "miner near() for (i, j) { euclidean(x[i], x[j]) < 1 }");
    const wanted = interpretLoss(written, batchFor(written)).value;
    expect(wanted).toBeGreaterThan(0);
    expect(interpretLoss(own, batchFor(own)).value).toBeGreaterThan(wanted);
    expect(interpretLoss(own, batchFor(own), { miner: near }).value).toBe(wanted);
    expect(agree(own, { miner: near }).value).toBe(wanted);
  });
});

it("a label that the batch does not have is refused by name", () => {
  const instance = formula("mean[i, j | same(i, j, on: colour)] dot(x[i], x[j])");
  expect(() => interpretLoss(instance, batchFor(instance))).toThrow(InterpretError);
  expect(() => interpretLoss(instance, batchFor(instance))).toThrow("no label colour");
});
