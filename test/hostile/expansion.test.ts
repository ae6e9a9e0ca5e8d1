/** Small texts that mean very much: definitions that double, ranges that never end, deep and wide models. */
import { describe, expect, it } from "vitest";
import { survive } from "../fuzz/survive.ts";

const many = (count: number, text: (at: number) => string, between = "\n"): string =>
  Array.from({ length: count }, (_, at) => text(at)).join(between);

/** A model over `a: own()`, which is declared by `losses`. */
function model(losses: string, settings: Readonly<Record<string, string>> = {}): string {
  const { backbone, embedding, entries, combine, more } = {
    backbone: "conv4(4)",
    embedding: "linear(4) |> normalize",
    entries: "a: own()",
    combine: "a",
    more: "",
    ...settings,
  };
  return `${losses}
dataset d = icon_sets(size: 16)
model m {
  data: d
  backbone: ${backbone}
  embedding: ${embedding}
  losses { ${entries} }
  combine: ${combine}
  train { batch: 4 classes * 2 samples }
  ${more}
}
`;
}

async function codes(text: string, files: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const start = performance.now();
  const memory = process.memoryUsage().heapUsed;
  const { diagnostics, programs } = await survive(text, { emit: true, files });
  expect((performance.now() - start) / 1000).toBeLessThan(20);
  expect((process.memoryUsage().heapUsed - memory) / 2 ** 20).toBeLessThan(1500);
  expect(diagnostics.length + programs.length).toBeGreaterThan(0);
  return [...new Set(diagnostics.map(({ code }) => code))];
}

describe("thirty doublings", () => {
  it.each([
    ["of values", (at: number) => `let a${at + 1}(i) = a${at}(i) + a${at}(i)`],
    ["of products", (at: number) => `let a${at + 1}(i) = a${at}(i) * a${at}(i)`],
    ["of different uses", (at: number) => `let a${at + 1}(i) = a${at}(i) + sin(a${at}(i) + ${at})`],
    ["of conditions", (at: number) => `let a${at + 1}(i) = if a${at}(i) > 0 then a${at}(i) else -a${at}(i)`],
    ["of reductions", (at: number) => `let a${at + 1}(i) = (sum[j | same(i, j)] a${at}(j)) + a${at}(i)`],
  ])("%s", async (_, double) => {
    const lets = many(30, double);
    await codes(model(`loss own() {\nlet a0(i) = norm(x[i])\n${lets}\nmean[i] a30(i)\n}`));
  });

  it.each([
    ["of measures", (at: number) => `distance d${at + 1}(u, v) = d${at}(u, v) + d${at}(v, u)`],
    [
      "of measures by default",
      (at: number) => `distance d${at + 1}(u, v, m: distance = d${at}) = m(u, v) + m(v, u)`,
    ],
  ])("%s", async (_, double) => {
    await codes(
      model(
        `distance d0(u, v) = norm(u - v)\n${many(30, double)}\nloss own() { mean[i, j | same(i, j)] d30(x[i], x[j]) }`,
      ),
    );
  });

  it("of losses", async () => {
    const double = (at: number): string => `loss l${at + 1}() { l${at}(x: x) + l${at}(x: x) }`;
    await codes(model(`loss l0() { mean[i] norm(x[i]) }\n${many(30, double)}\nloss own() { l30(x: x) }`));
  });

  it("of backbones", async () => {
    const double = (at: number): string =>
      `backbone b${at + 1}(): image[h, w, c] -> image[_, _, _] { b${at}() |> b${at}() }`;
    const text = `backbone b0(): image[h, w, c] -> image[_, _, _] { relu }\n${many(30, double)}`;
    expect(await codes(model(`${text}\nloss own() { mean[i] norm(x[i]) }`, { backbone: "b30()" }))).toContain(
      "DML0414",
    );
  });

  it("of lists", async () => {
    const loss = `loss own(sizes: int[] = [${many(64, (at) => String(at + 1), ", ")}]) {
  ${"sum[a in sizes] ".repeat(6).replace(/a/g, "a")} norm(x[0])
}`;
    await codes(model(loss));
    const nested = many(6, (at) => `(sum[a${at} in sizes] `, "");
    await codes(
      model(`loss own(sizes: int[] = [${many(64, (at) => String(at + 1), ", ")}]) {
  mean[i] ${nested}a0 * a1 * a2 * a3 * a4 * a5 * norm(x[i])${")".repeat(6)}
}`),
    );
  });

  it("of groups and strategies", async () => {
    let combine = "a0";
    for (let at = 1; at < 60; at++) combine = `learned(${combine}, a${at})`;
    await codes(model("", { entries: many(60, (at) => `a${at}: triplet()`), combine }));
    await codes(
      model("", { entries: "a: triplet()", combine: `${"learned(".repeat(200)}a${")".repeat(200)}` }),
    );
  });
});

describe("ranges and repetitions", () => {
  it.each([
    "sum[r in 0..1000000000] r",
    "sum[r in 1000000000] r",
    "sum[r in 0..1e9] r * norm(x[0])",
    "mean[i, r in 0..1000000, s in 0..1000000] r * s * norm(x[i])",
    "mean[i, j, k, l, m, n, o, p] norm(x[i] - x[j]) * norm(x[k] - x[l]) * norm(x[m] - x[n]) * norm(x[o] - x[p])",
    "mean[i] (sum[j] (sum[k] (sum[l] (sum[m] norm(x[i] - x[j]) * norm(x[k] - x[l]) * norm(x[m])))))",
    "mean[i, k in classes, l in classes, m in classes, n in classes | k < l] norm(x[i]) * (k == y[i]) * (m == n)",
    "mean[i, t, s, r, q] x[i, t] * x[i, s] * x[i, r] * x[i, q]",
  ])("%s", async (formula) => {
    await codes(model(`loss own() { ${formula} }`));
    await codes(model(`loss own() { let a(i) = ${formula}\n mean[h] a(h) * norm(x[h]) }`));
  });

  it("a table of any size", async () => {
    for (const shape of [
      "1000000000",
      "100000, 100000",
      "classes, classes, classes",
      "classes, 1000000, dim",
    ])
      await codes(
        model(
          `loss own() {\n param w: real[${shape}] = constant(1)\n mean[i] norm(x[i])${"" /* unused */}\n}`,
        ),
      );
  });
});

describe("models", () => {
  it("of five hundred losses", async () => {
    const entries = many(500, (at) => `a${at}: triplet(margin: ${at / 1000})`);
    const combine = `learned(${many(500, (at) => `a${at}`, ", ")})`;
    await codes(model("", { entries, combine }));
  });

  it("of two hundred losses on one head", async () => {
    const entries = many(200, (at) => `a${at}: contrastive(margin: ${(at + 1) / 200})`);
    const combine = `learned(${many(200, (at) => `a${at}`, ", ")})`;
    await codes(model("", { entries, combine, embedding: "shared linear(4) |> normalize" }));
  });

  it("of deep pipelines", async () => {
    await codes(model("", { entries: "a: triplet()", backbone: many(900, () => "conv(4)", " |> ") }));
    await codes(
      model("", { entries: "a: triplet()", backbone: "repeat 200 { residual { conv(4) |> relu } }" }),
    );
    const nested = `${"residual { conv(4) |> ".repeat(100)}relu${" }".repeat(100)}`;
    await codes(model("", { entries: "a: triplet()", backbone: nested }));
    for (const body of [
      "unknown",
      "conv(0)",
      "repeat 1000000000 { unknown }",
      "residual { unknown }",
      "relu |> (",
      "",
    ])
      expect(
        await codes(model("", { entries: "a: triplet()", backbone: `repeat 1000000000 { ${body} }` })),
      ).not.toEqual([]);
    const repeats = `${"repeat 10 { ".repeat(100)}relu${" }".repeat(100)}`;
    expect(await codes(model("", { entries: "a: triplet()", backbone: repeats }))).toContain("DML0414");
  });

  it("of many models", async () => {
    await codes(many(30, (at) => model("", { entries: "a: triplet()" }).replace("model m", `model m${at}`)));
  });
});

describe("what leads back to itself", () => {
  it.each([
    "loss own() { own(x: x) }",
    "loss own() { other(x: x) }\nloss other() { own(x: x) }",
    "loss own(inner: loss = own) { inner(x: x) }",
    "distance e(u, v) = e(u, v)\nloss own() { mean[i, j] e(x[i], x[j]) }",
    "distance e(u, v, m: distance = e) = m(u, v)\nloss own() { mean[i, j] e(x[i], x[j]) }",
    "loss own(a: real = a) { a * mean[i] norm(x[i]) }",
    "loss own(a: real = b, b: real = a) { a * b * mean[i] norm(x[i]) }",
    "loss own() { let f(i) = f(i)\n mean[i] f(i) * norm(x[i]) }",
    "loss own() { let f(i) = g(i)\n let g(i) = f(i)\n mean[i] f(i) * norm(x[i]) }",
    "loss own() { state s: real = s then s\n s * mean[i] norm(x[i]) }",
    "miner n(d: distance = euclidean) for (a, p) { n(a, p) }\nloss own() { mean[i] norm(x[i]) }",
    "backbone b(): image[h, w, c] -> image[_, _, _] { b() }\nloss own() { mean[i] norm(x[i]) }",
  ])("%s", async (text) => {
    expect((await codes(model(text))).length).toBeGreaterThan(0);
  });

  it("a loss given to itself", async () => {
    await codes(model("", { entries: "a: matryoshka(matryoshka)" }));
    const nested = `${"matryoshka(".repeat(20)}triplet${", sizes: [2, 4])".repeat(20)}`;
    await codes(model("", { entries: `a: ${nested}` }));
  });
});

describe("imports", () => {
  it("in a circle, of itself, and a long way", async () => {
    expect(await codes(`import { a } from "./main.dml"`, { "main.dml": "" })).toContain("DML0204");
    const circle = { "a.dml": `import { b } from "./b.dml"`, "b.dml": `import { a } from "./a.dml"` };
    expect(await codes(`import { a } from "./a.dml"`, circle)).toContain("DML0204");
    const chain = Object.fromEntries(
      Array.from({ length: 2000 }, (_, at) => [`f${at}.dml`, `import { a } from "./f${at + 1}.dml"`]),
    );
    expect(await codes(`import { a } from "./f0.dml"`, chain)).toContain("DML0414");
    const wide = Object.fromEntries(
      Array.from({ length: 40 }, (_, at) => [
        `f${at}.dml`,
        many(39 - at, (next) => `import { a } from "./f${at + next + 1}.dml"`),
      ]),
    );
    await codes(`import { a } from "./f0.dml"`, wide);
  });
});
