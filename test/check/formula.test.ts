import { describe, expect, test } from "vitest";
import { check, marks } from "./harness.ts";

/** A loss whose body stands for itself; sees `margin`, `centers`, `sizes`, `distance`, `w`, `b`. */
const loss = (
  body: string,
): string => `loss l(margin: real = 1, centers: int = 3, sizes: int[] = [2, 4], distance: distance = euclidean, flag: bool = false) {
  param w: real[classes, centers, dim] = kaiming_uniform() { lr: 1e-2 }
  param b: real[classes] = constant(margin)
  ${body}
}`;

/** Codes and marks of a loss with this body, but for what it leaves unused. */
function found(body: string): string[] {
  const { diagnostics } = check(loss(body));
  return marks(diagnostics.filter((each) => !["DML0307", "DML0308"].includes(each.code)));
}

describe("sound formulas", () => {
  test.each([
    "mean[i] norm(x[i])",
    "mean[i, j | same(i, j)] distance(x[i], x[j])",
    "mean[i] cross_entropy[k in classes](b[k], y[i])",
    "mean[i, t] x[i, t] ^ 2",
    "sum[k in classes, c in centers] w[k, c, 0 * 1]".replace("0 * 1", "t").replace("sum[", "sum[t, "),
    "mean[i] b[y[i]]",
    "mean[i, j | i < j] (if same(i, j) then 1 else -1) * cosine(x[i], x[j])",
    "sum[r in 0..centers, c in centers | r <= c] r * c",
    "sum[m in sizes] m / dim",
    "let d(i, j) = distance(x[i], x[j])\n mean[a] ((max[p | same(a, p)] d(a, p)) - (min[n | differs(a, n)] d(a, n)))",
    "let f(v) = sum[t] v[t]\n mean[i] (f(x[i]) + f(2 * x[i] - x[i]))",
    "let hardest(a) = argmax[p | same(a, p)] distance(x[a], x[p])\n mean[a] distance(x[a], x[hardest(a)])",
    "mean[i] (count[j | same(i, j)] cosine(x[i], x[j]) > margin)",
    "mean[i] sum[k in classes] softmax[k](cosine(x[i], w[k, 0 + 0]))".replace("w[k, 0 + 0]", "x[i]"),
    "mean[i] (sum[k in classes] (b[k] * (k == y[i])))",
    "mean[i] norm(normalize(prefix(x, 8))[i])",
    "mean[i, j | y[i] == y[j], i != j] 1",
    "180deg - margin",
    "if flag then margin else 0",
    "mean[i, j | not flag or same(i, j)] 1",
    "mean[i] stop_gradient(norm(x[i]))",
    "mean[i, j | same(i, j)] cosine(x[i], stop_gradient(x[j]))",
  ])("%s", (body) => {
    expect(found(body)).toEqual([]);
  });
});

describe("refused, at the exact characters", () => {
  test.each<[string, string[]]>([
    // names
    ["mean[i] norm(z[i])", ["DML0201 z"]],
    ["mean[i] nrm(x[i])", ["DML0201 nrm"]],
    ["mean[i] margn * norm(x[i])", ["DML0201 margn"]],
    ["let d(j) = norm(x[i])\n mean[i] d(i)", ["DML0201 i"]],
    ["let a = c\n let c = 1\n a + c", ["DML0201 c"]],
    ["let f(i) = f(i)\n mean[i] (f(i) + norm(x[i]))", ["DML0201 f"]],
    ["mean[i] contrastive(x: x[i])", ["DML0202 contrastive"]],
    ["let margin = 1\n margin", ["DML0306 margin"]],
    ["mean[i, i] norm(x[i])", ["DML0306 i"]],
    ["mean[i] softmax[k](norm(x[i]))", ["DML0201 k"]],
    ["mean[i] norm(x[i]) * (sm[j] 1)", ["DML0131 1", "DML0311 sm"]],
    // types
    ["mean[i] relu(x[i])", ["DML0301 x[i]"]],
    ["x", ["DML0301 x"]],
    ["mean[i] x[i]", ["DML0301 x[i]"]],
    ["mean[i] euclidean(x[i], (mean[j | same(i, j)] x[j]))", ["DML0301 x[j]"]],
    ["mean[i | norm(x[i])] 1", ["DML0301 norm(x[i])"]],
    ["mean[i] (if norm(x[i]) then 1 else 0)", ["DML0301 norm(x[i])"]],
    ["any[i] norm(x[i])", ["DML0301 norm(x[i])"]],
    ["mean[i] (not norm(x[i]))", ["DML0301 norm(x[i])"]],
    ["mean[i, j] cosine(i, j)", ["DML0301 i", "DML0301 j", "DML0303 i", "DML0303 j"].slice(0, 2)],
    ["mean[i] norm(x[i]) * y[i]", ["DML0301 y[i]"]],
    ["mean[i] norm(x[i]) * i", ["DML0301 i"]],
    ["mean[i] (norm(x[i]) + x[i])", ["DML0301 x[i]"]],
    ["mean[i, j] x[i] * x[j]", ["DML0301 x[i] * x[j]"]],
    ["mean[i, j | same(i, j) == norm(x[i])] 1", ["DML0301 norm(x[i])"]],
    ["mean[i, j] (x[i] < x[j])", ["DML0301 x[i] < x[j]"]],
    ["mean[i] (if flag then x[i] else 1)", ["DML0301 1"]],
    ["mean[i] (norm(x[i]) + relu)", ["DML0301 relu"]],
    ["mean[i] norm(x(i))", ["DML0301 x"]],
    ["mean[i] distance[i]", ["DML0301 distance"]],
    ["mean[i] norm(x[1])", ["DML0301 1"]],
    ['mean[i] "text"', ['DML0301 "text"']],
    ["mean[i] norm(x[i]) * 3x", ["DML0301 3x"]],
    // axes
    ["mean[i] distance(x[i], w[i, c])", []],
    ["mean[i] norm(x[i]) * b[i]", ["DML0302 i"]],
    ["mean[i, t] x[i, t] * x[t, i]", ["DML0302 t", "DML0302 i"]],
    ["mean[k in classes] norm(x[k])", ["DML0302 k"]],
    ["mean[i, k in classes | i == k] norm(x[i])", ["DML0302 i"]],
    ["mean[i, j | i < j] norm(x[i]) * b[j]", ["DML0302 j"]],
    ["let d(i, j) = distance(x[i], x[j])\n mean[i, k in classes] d(i, k)", ["DML0302 j"]],
    ["mean[i, c in centers | y[i] == c] 1", ["DML0302 c"]],
    ["mean[i] cross_entropy[c in centers](c, y[i])", ["DML0302 c"]],
    ["mean[i] 1", ["DML0303 i"]],
    ["mean[i in margin] i", ["DML0304 margin"]],
    ["mean[i, j in 0..i] norm(x[i])", ["DML0304 0..i"]],
    ["mean[i, k in classes] distance(x[i], w[k])", ["DML0301 w[k]"]],
    // arity
    ["mean[i, j] x[i, j, i]", ["DML0305 x[i, j, i]"]],
    ["mean[i] same(i)", ["DML0305 same(i)"]],
    ["mean[i] cosine(x[i])", ["DML0305 cosine(x[i])"]],
    ["mean[i] cosine(x[i], x[i], x[i])", ["DML0213 x[i]"]],
    ["let d(i, j) = distance(x[i], x[j])\n mean[a] (d(a) + norm(x[a]))", ["DML0305 d(a)"]],
    ["let c = 1\n mean[a] (c(1) + norm(x[a]))", ["DML0305 c(1)"]],
    ["mean[i] (cross_entropy[k in classes](b[k]) + norm(x[i]))", ["DML0305 cross_entropy"]],
    ["mean[i] relu(v: norm(x[i]))", ["DML0210 v"]],
  ])("%s", (body, expected) => {
    if (expected.length > 0) expect(found(body).sort()).toEqual([...expected].sort());
    else expect(found(body).length).toBeGreaterThan(0);
  });

  test("both uses of an index on two axes are shown", () => {
    const { diagnostics } = check(loss("mean[i] norm(x[i]) * b[i]"));
    const [error] = diagnostics.filter((each) => each.code === "DML0302");
    expect(error!.message).toBe(
      "The index `i` runs over the samples of the batch in one place and over the classes here",
    );
    expect(error!.related.map((each) => each.label)).toEqual(["over the samples of the batch"]);
  });

  test("an index used after its reduction has ended", () => {
    const { diagnostics } = check(loss("mean[i] norm(x[i]) + norm(x[i])"));
    const [error] = diagnostics.filter((each) => each.code === "DML0201");
    expect(error!.reason).toContain("has ended here");
    expect(error!.help).toBe("Put all that `mean` is over in parentheses.");
  });

  test("several errors of one formula are reported together", () => {
    expect(found("mean[i] (nrm(x[i]) + relu(x[i]) + zz)").sort()).toEqual([
      "DML0201 nrm",
      "DML0201 zz",
      "DML0301 x[i]",
    ]);
  });

  test("what a let gets wrong is shown with the call", () => {
    const { diagnostics } = check(loss("let f(v) = relu(v)\n mean[i] f(x[i])"));
    const [error] = diagnostics.filter((each) => each.code === "DML0301");
    expect(marks([error!])).toEqual(["DML0301 v"]);
    expect(error!.related).toMatchObject([{ label: "in this call" }]);
  });

  test.each([
    ["loss l() { let d(i, j) = euclidean(x[i], x[j])\n mean[i] norm(x[i]) }", ["DML0307 d"]],
    ["loss l(a: real = 1) { mean[i] norm(x[i]) }", ["DML0307 a"]],
    ["loss l() { param w: real[classes, dim] = xavier_uniform()\n mean[i] norm(x[i]) }", ["DML0308 w"]],
    ["loss l() { let d(i) = nrm(x[i])\n mean[i] norm(x[i]) }", ["DML0201 nrm"]],
    ["loss l(a: rael = 1) { mean[i] a * norm(x[i]) }", ["DML0201 rael"]],
    ["loss l(a: real > 0 = -1) { mean[i] a * norm(x[i]) }", ["DML0216 -1"]],
    ["loss l(a: real = 1, a: real = 2) { mean[i] a * norm(x[i]) }", ["DML0403 a"]],
    ["loss l(x: real = 1) { x }", ["DML0306 x"]],
    ["loss l() assumes unt(x) { mean[i] norm(x[i]) }", ["DML0201 unt"]],
    ["loss l() assumes unit(z) { mean[i] norm(x[i]) }", ["DML0201 z"]],
    ["loss l(): int { mean[i] norm(x[i]) }", ["DML0310 int"]],
    ["loss l() of (u, v) { mean[i] euclidean(u[i], v[i]) }", []],
    ["loss l() of (u, v) { mean[i] euclidean(u[i], x[i]) }", ["DML0201 x"]],
    [
      "loss l() { param w: real[classes, dims] = xavier_uniform()\n mean[i, k] cosine(x[i], w[k]) }",
      ["DML0201 dims", "DML0303 k"].slice(0, 1),
    ],
    [
      "loss l() { param w: real[classes, dim] = xavier_unifrm()\n mean[i, k] cosine(x[i], w[k]) }",
      ["DML0201 xavier_unifrm"],
    ],
    [
      "loss l() { param w: real[classes, dim] = xavier_uniform() { rate: 1 }\n mean[i, k] cosine(x[i], w[k]) }",
      ["DML0401 rate"],
    ],
    [
      "loss l() { param w: real[classes, dim] = xavier_uniform() { lr: -1 }\n mean[i, k] cosine(x[i], w[k]) }",
      ["DML0216 -1"],
    ],
    [
      "loss l() { param w: real[batch, dim] = xavier_uniform()\n mean[i] cosine(x[i], w[i]) }",
      ["DML0310 batch"],
    ],
    ["loss l(s: real) { param w: real[dim] = normal(std: s)\n mean[i] cosine(x[i], w) }", []],
    ["distance d(u, v) = norm(u - v)", []],
    ["distance d(u, v, p: real >= 1 = 2) = (sum[t] abs(u[t] - v[t]) ^ p) ^ (1 / p)", []],
    ["distance d(u) = norm(u)", ["DML0151 (u)"]],
    ["distance d(u, v) = u - v", ["DML0301 u - v"]],
    ["distance d(u, v) = u[t]", ["DML0201 t"]],
    ["distance d(u, v) = e(u, v)\ndistance e(u, v) = d(u, v) + 1", ["DML0208 e", "DML0208 d"]],
    ["miner m() for (a, p, n) { same(a, p) and differs(a, n) }", []],
    ["miner m() for (a, p) { euclidean(x[a], x[p]) }", ["DML0301 euclidean(x[a], x[p])"]],
    ["miner m() for (a, p, n) { p = argmax[j | same(a, j)] euclidean(x[a], x[j]) }", ["DML0310 m"]],
    ["miner m() for (a, p) { q = argmax[j | same(a, j)] euclidean(x[a], x[j]) }", ["DML0310 q", "DML0310 m"]],
    ["miner m() for (a, p) { p = 2 }", ["DML0301 2"]],
    ["primitive layer mine(): features -> features", ["DML0209 mine"]],
    ["loss a() { mean[i] norm(x[i]) }\nloss a() { mean[i] norm(x[i]) }", ["DML0203 a"]],
  ])("%s", (text, expected) => {
    expect(marks(check(text).diagnostics).sort()).toEqual([...expected].sort());
  });
});

describe("bounds", () => {
  test("thirty doublings are checked once each", () => {
    const lets = Array.from({ length: 30 }, (_, n) => `let f${n + 1}(i) = f${n}(i) + f${n}(i)`).join("\n");
    expect(check(`loss l() { let f0(i) = norm(x[i])\n${lets}\nmean[i] f30(i) }`).diagnostics).toEqual([]);
  });

  test("numeric domains are held to a bound, with defaults and at each use", () => {
    const bins = (nodes: string): string =>
      `loss bins(nodes: int = ${nodes}) { sum[r in 0..nodes] r * (mean[i, j | same(i, j)] euclidean(x[i], x[j])) }`;
    expect(marks(check(bins("1e9")).diagnostics)).toEqual(["DML0414 r in 0..nodes"]);
    const use = `dataset d = icon_sets()
model m { data: d backbone: conv4(8) embedding: linear(8) losses { a: bins(nodes: 1000000000) } }`;
    expect(marks(check(`${bins("10")}\n${use}`).diagnostics)).toEqual(["DML0414 bins(nodes: 1000000000)"]);
    const nested = "loss l() { sum[r in 0..9999] (sum[q in 0..9999] (r < q)) }";
    expect(marks(check(nested).diagnostics)).toEqual(["DML0414 q in 0..9999"]);
  });

  test("a long sum and a long chain of lets end", () => {
    const sum = Array.from({ length: 900 }, () => "1").join(" + ");
    expect(marks(check(`loss l() { ${sum} }`).diagnostics)).toEqual([]);
    const lets = Array.from({ length: 2000 }, (_, n) => `let f${n + 1}(i) = f${n}(i) + 1`).join("\n");
    const deep = check(`loss l() { let f0(i) = norm(x[i])\n${lets}\nmean[i] f2000(i) }`).diagnostics;
    expect(deep.map((each) => each.code)).toEqual(["DML0414"]);
  });
});
