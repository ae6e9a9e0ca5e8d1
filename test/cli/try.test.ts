/** `dmlc try`: values, gradients, settings, parameters, and what is refused. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { dmlc, folder } from "./support.ts";

const files = folder();
afterAll(() => files.clean());

const e = files.npy("e.npy", [4, 3], [0.6, 0.8, 0, 0, 0.6, 0.8, 1, 0, 0, 0, 1, 0]);
const y = files.npy("y.npy", [4], [0, 0, 1, 1]);
const batch = ["--embeddings", e, "--labels", y];

describe("dmlc try", () => {
  it("prints the value, and nothing else on stdout", async () => {
    const { code, out, err } = await dmlc("try", "contrastive", ...batch);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const positive = (Math.hypot(0.6, 0.2, 0.8) + Math.SQRT2) / 2;
    // Of the four negative pairs, (1, 2) are farther apart than the margin.
    const hinges = [Math.hypot(0.4, 0.8), Math.hypot(0.6, 0.2), Math.hypot(0.4, 0.8)].map((d) => 1 - d);
    const expected = positive + hinges.reduce((a, b) => a + b) / 3;
    expect((JSON.parse(out) as { value: number }).value).toBeCloseTo(expected, 12);
  });

  it("takes settings as in a spec", async () => {
    const valueAt = async (...args: string[]): Promise<number> => {
      const { out } = await dmlc("try", "triplet", ...batch, ...args);
      return (JSON.parse(out) as { value: number }).value;
    };
    expect(await valueAt("--set", "margin=0.3")).not.toBe(await valueAt());
    expect(await valueAt("--set", "margin=0.05")).toBe(await valueAt());
    expect(await valueAt("--set", "distance=cosine_distance", "--set", "smooth=true")).toBeGreaterThan(0);
    const degrees = await dmlc("try", "arcface", ...batch, "--set", "margin=28.6deg");
    expect(degrees.out).toBe((await dmlc("try", "arcface", ...batch)).out);
  });

  it("takes further labels, in a formula and behind `by`", async () => {
    const coarse = files.npy("coarse.npy", [4], [0, 1, 1, 0]);
    const spec = files.write(
      "labels.dml",
      "loss apart() { mean[i, j | differs(i, j, on: coarse)] euclidean(x[i], x[j]) / classes(on: coarse) }\n",
    );
    const tried = async (...args: string[]) => await dmlc("try", ...args, "--embeddings", e);
    const { code, out, err } = await tried(
      `${spec}:apart`,
      "--labels",
      y,
      "--label",
      `coarse=${coarse}`,
      "--compiled",
    );
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const { value, compiled } = JSON.parse(out) as { value: number; compiled: { value: number } };
    const far = [Math.hypot(0.6, 0.2, 0.8), Math.hypot(0.4, 0.8), Math.hypot(0.4, 0.8), Math.SQRT2];
    expect(value).toBeCloseTo(far.reduce((a, b) => a + b) / 8, 12);
    expect(compiled.value).toBeCloseTo(value, 5);
    const by = await tried("contrastive() by coarse", "--labels", y, "--label", `coarse=${coarse}`);
    const plain = await tried("contrastive()", "--labels", coarse);
    expect(by.out).toBe(plain.out);
    const missing = await tried("contrastive() by coarse", "--labels", y);
    expect(missing.code).toBe(1);
    expect(missing.err).toContain("no label coarse");
  });

  it("prints the gradient of embeddings and parameters", async () => {
    const w = files.npy("w.npy", [3, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1]);
    const { out } = await dmlc(
      "try",
      "normalized_softmax",
      ...batch,
      "--param",
      `w=${w}`,
      "--classes",
      "3",
      "--gradient",
    );
    const { value, gradient } = JSON.parse(out) as {
      value: number;
      gradient: { x: number[][]; params: { w: number[][] } };
    };
    const losses = [
      [0.6, 0.8, 0],
      [0, 0.6, 0.8],
      [1, 0, 0],
      [0, 1, 0],
    ].map((row, i) => {
      const logits = row.map((cosine) => cosine / 0.05);
      return Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0)) - logits[i < 2 ? 0 : 1]!;
    });
    expect(value).toBeCloseTo(losses.reduce((a, b) => a + b) / 4, 9);
    expect([gradient.x.length, gradient.x[0]!.length]).toEqual([4, 3]);
    expect([gradient.params.w.length, gradient.params.w[0]!.length]).toEqual([3, 3]);
  });

  it("draws by a seed and a step, interpreted as compiled", async () => {
    const wide = files.npy(
      "wide.npy",
      [8, 2],
      [1, 0, 0.8, 0.6, 0.6, 0.8, 0, 1, -0.6, 0.8, -0.8, 0.6, -1, 0, 0, -1],
    );
    const labels = files.npy("wide_labels.npy", [8], [0, 0, 1, 1, 2, 2, 3, 3]);
    const at = async (...args: string[]): Promise<{ value: number; compiled?: { value: number } }> => {
      const files = ["--embeddings", wide, "--labels", labels];
      const { code, out } = await dmlc("try", "triplet on distance_weighted(far: 2)", ...files, ...args);
      expect(code).toBe(0);
      return JSON.parse(out) as { value: number };
    };
    const plain = await at("--compiled");
    expect(plain.compiled!.value).toBeCloseTo(plain.value, 5);
    expect((await at("--seed", "0", "--step", "0")).value).toBe(plain.value);
    expect((await at("--step", "1")).value).not.toBe(plain.value);
    expect((await at("--seed", "1")).value).not.toBe(plain.value);
  });

  it("starts parameters from their initialisers: a seed decides, and only a seed", async () => {
    const at = (seed: string) => dmlc("try", "arcface", ...batch, "--seed", seed);
    expect((await at("1")).out).toBe((await at("1")).out);
    expect((await at("1")).out).not.toBe((await at("2")).out);
  });

  it("takes a loss of a file, with its imports and two views", async () => {
    files.write("package.json", "{}");
    files.write("lib/far.dml", "distance far(u, v) = 2 * euclidean(u, v)\n");
    const spec = files.write(
      "my.dml",
      'import { far } from "./lib/far.dml"\nloss two(k: real > 0 = 1) of (u, v) { k * mean[i] far(u[i], v[i]) }\n',
    );
    const zero = files.npy(
      "zero.npy",
      [4, 3],
      Array.from({ length: 12 }, () => 0),
    );
    const { out, err } = await dmlc(
      "try",
      `${spec}:two`,
      "--embeddings",
      e,
      "--embeddings",
      zero,
      "--labels",
      y,
      "--set",
      "k=3",
      "--gradient",
    );
    expect(err).toBe("");
    const { value, gradient } = JSON.parse(out) as { value: number; gradient: { x: number[][][] } };
    expect(value).toBeCloseTo(6, 12);
    expect(gradient.x.map((view) => view.length)).toEqual([4, 4]);
  });

  it("takes the loss as a model has it, on a miner", async () => {
    const points = [
      [0.6, 0.8, 0],
      [0, 0.6, 0.8],
      [1, 0, 0],
      [0, 1, 0],
    ];
    const d = (i: number, j: number): number =>
      Math.hypot(...points[i]!.map((value, t) => value - points[j]![t]!));
    const chosen = points.flatMap((_, a) => {
      const p = a ^ 1;
      return [0, 1, 2, 3]
        .filter((n) => n >> 1 !== a >> 1 && d(a, p) < d(a, n) && d(a, n) <= d(a, p) + 0.4)
        .map((n) => d(a, p) - d(a, n) + 0.5);
    });
    const active = chosen.filter((violation) => violation > 0);
    expect([chosen.length, active.length]).toEqual([1, 1]);
    const valueAt = async (loss: string, ...args: string[]): Promise<number> => {
      const { out, err } = await dmlc("try", loss, ...batch, "--compiled", ...args);
      expect(err).toBe("");
      const { value, compiled } = JSON.parse(out) as { value: number; compiled: { value: number } };
      expect(compiled.value).toBeCloseTo(value, 5);
      return value;
    };
    const expected = active.reduce((a, b) => a + b) / active.length;
    expect(await valueAt("triplet(margin: 0.5) on semi_hard(margin: 0.4)")).toBeCloseTo(expected, 12);
    expect(await valueAt("triplet on semi_hard(0.4)", "--set", "margin=0.5")).toBeCloseTo(expected, 12);
    expect(await valueAt("triplet(margin: 0.5)")).not.toBeCloseTo(expected, 3);
    const spec = files.write(
      "mined.dml",
      "miner near(limit: real) for (a, p, n) {\n  same(a, p) and differs(a, n) and euclidean(x[a], x[n]) < limit\n}\n" +
        "loss far(distance: distance = euclidean) { sum[a, p, n | same(a, p), differs(a, n)] distance(x[a], x[n]) }\n",
    );
    const mined = await valueAt(`${spec}:far(distance: squared_euclidean) on near(limit: 1)`);
    const near = points.flatMap((_, a) => [0, 1, 2, 3].filter((n) => n >> 1 !== a >> 1 && d(a, n) < 1));
    expect(near.length).toBeGreaterThan(0);
    expect(mined).toBeGreaterThan(0);
    expect(mined).toBeLessThan(near.length);
  });

  it("prints the shares of the samples and how many tuples are active", async () => {
    type Answer = { value: number; per_sample: number[] | null; active_fraction: number | null };
    const of = async (loss: string): Promise<Answer> =>
      JSON.parse((await dmlc("try", loss, ...batch)).out) as Answer;
    const { value, per_sample: shares, active_fraction: active } = await of("contrastive");
    expect(shares!.reduce((sum, share) => sum + share) / 4).toBeCloseTo(value, 12);
    // Four ordered positive pairs and eight negative ones, of which both orders of one are beyond the margin.
    expect(active).toBeCloseTo(10 / 12, 12);
    expect(await of("proxy_anchor")).toMatchObject({ per_sample: null, active_fraction: 1 });
  });

  it("draws a picture, with a batch or without", async () => {
    const file = join(files.path, "deep/triplet.svg");
    const use = "triplet(margin: 0.2) on semi_hard()";
    const { code, out } = await dmlc("try", use, "--plot", file);
    expect({ code, out }).toEqual({ code: 0, out: `${JSON.stringify({ plot: file })}\n` });
    const svg = readFileSync(file, "utf8");
    expect(svg).toMatch(/^<svg [^]*<\/svg>\n$/);
    expect(svg).toContain(use);
    const both = await dmlc("try", "arcface", ...batch, "--plot", file, "--set", "scale=8");
    expect(Object.keys(JSON.parse(both.out) as object)).toEqual([
      "value",
      "per_sample",
      "active_fraction",
      "plot",
    ]);
    expect(readFileSync(file, "utf8")).toContain("arcface, scale=8");
  });

  it("sets what the compiled loss answers beside it", async () => {
    const { out } = await dmlc("try", "multi_similarity", ...batch, "--gradient", "--compiled");
    type Answer = { value: number; gradient: { x: number[][] } };
    const { value, gradient, compiled } = JSON.parse(out) as Answer & { compiled: Answer };
    expect(compiled.value).toBeCloseTo(value, 5);
    compiled.gradient.x.flat().forEach((slope, i) => expect(slope).toBeCloseTo(gradient.x.flat()[i]!, 5));
  });
});

describe("dmlc try refuses", () => {
  it.each([
    [["triplt", ...batch], 2, "Did you mean triplet?"],
    [["triplet.dml", ...batch], 2, "names no loss"],
    [["nowhere.dml:triplet", ...batch], 2, "cannot read nowhere.dml"],
    [["triplet", "--labels", y], 2, "--embeddings"],
    [["triplet", "--embeddings", e], 2, "--labels"],
    [["triplet", ...batch, "--embeddings", e], 2, "takes one view"],
    [["triplet", "--embeddings", y, "--labels", y], 2, "embeddings are [samples, dimensions]"],
    [["triplet", "--embeddings", e, "--labels", e], 2, "need labels of shape [4]"],
    [["triplet", ...batch, "--classes", "1"], 2, "too few"],
    [["triplet", ...batch, "--classes", "two"], 2, "not a whole number"],
    [["triplet", ...batch, "--set", "margin"], 2, "has no value"],
    [["triplet", ...batch, "--set", "margin=-1"], 1, "DML0216"],
    [["triplet", ...batch, "--set", "margn=1"], 1, "Did you mean `margin`?"],
    [["triplet", ...batch, "--set", "distance=cosine"], 1, "cosine_distance"],
    [["triplet", ...batch, "--set", "margin=1) f("], 1, "error"],
    [["triplet", ...batch, "--set", "margin=1, smooth: true"], 2, "is not name=value"],
    [["arcface", ...batch, "--param", `v=${e}`], 2, "no trainable parameter v"],
    [["arcface", ...batch, "--param", `w=${e}`], 2, "w has shape [2, 3] here, and the file holds [4, 3]"],
    [["triplet() on semi_hrd()", ...batch], 1, "semi_hard"],
    [["triplet() on semi_hard(margn: 1)", ...batch], 1, "Did you mean `margin`?"],
    [["contrastive() on semi_hard()", ...batch], 1, "DML0426"],
    [["triplet(margin: 1, margin: 2)", ...batch], 1, "margin"],
    [["triplet(margin: 1)", ...batch, "--set", "margin=2"], 1, "margin"],
    [["triplet() with linear(4)", ...batch], 2, "without a head"],
    [["triplet() against memory(4)", ...batch], 2, "without memory"],
    [["triplet() on", ...batch], 1, "DML0131"],
    [["triplet() } model", ...batch], 1, "error"],
    [["1 + 2", ...batch], 2, "names no loss"],
    [["triplet", "--plot", "triplet.png"], 2, "writes SVG"],
    [["triplet", "--plot", "x.svg", "--labels", y], 2, "--embeddings is not given"],
    [["lp_regularizer", "--plot", "x.svg"], 2, "the same at every similarity"],
    [["contrastive() on semi_hard()", "--plot", "x.svg"], 1, "DML0426"],
    [["triplet", "--plot", join(e, "x.svg")], 2, "cannot write"],
    [["triplet", ...batch, "--gradients"], 2, "--gradient"],
  ])("%j", async (args, code, message) => {
    const outcome = await dmlc("try", ...args);
    expect(outcome.err).toContain(message);
    expect(outcome).toMatchObject({ code, out: "" });
  });

  it("a formula without a value, at its place", async () => {
    const spec = files.write("bad.dml", "loss bad() {\n  sum[i] 1\n}\n");
    const { code, err } = await dmlc("try", `${spec}:bad`, ...batch);
    expect(code).toBe(1);
    expect(err).toContain("DML0801");
    expect(err).toContain("bad.dml:2:7");
  });
});
