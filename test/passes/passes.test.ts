/** What each pass does to a graph, on losses where it has something to do, and what it leaves alone. */
import { beforeAll, describe, expect, it } from "vitest";
import { Builder, EVERY_RULE, NO_RULES } from "../../src/ir/build.ts";
import { Graph, type Node } from "../../src/ir/graph.ts";
import { lowerLoss, rootsOf } from "../../src/ir/lower/loss.ts";
import { topological } from "../../src/ir/order.ts";
import { PASSES, PASS_NAMES, type PassName, type PassSettings } from "../../src/ir/passes/optimise.ts";
import { printGraph } from "../../src/ir/print.ts";
import type { LossInstance } from "../../src/resolve/values.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { formula, loss } from "../interpret/support.ts";
import { expectParity, randomBatch } from "../lower/support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

interface Placed {
  readonly instance: LossInstance;
  readonly head?: string;
  readonly dim?: number;
}

/** Losses as they are written, each on a head and in a graph of its own. */
function written(...losses: readonly Placed[]): Node[] {
  return losses.flatMap(({ instance, head = "x", dim = 8 }, k) => {
    const views = (instance.declaration.views ?? [0]).map((_, view) => ({ name: head, dim, view }));
    return rootsOf(lowerLoss(new Graph(), instance, { path: `losses/l${k}`, views, rules: NO_RULES }));
  });
}

/** The roots after every pass up to one. */
function after(last: PassName, roots: readonly Node[], settings: PassSettings = {}): readonly Node[] {
  const graph = new Graph();
  let now = roots;
  for (const pass of PASSES.slice(0, PASS_NAMES.indexOf(last) + 1))
    now = pass.run(new Builder(graph, pass.rules), now, settings);
  return now;
}

const operations = (roots: readonly Node[]): string[] =>
  topological(roots).map(({ operation }) => (operation.kind === "reduce" ? operation.op : operation.kind));

const count = (roots: readonly Node[], kind: string): number =>
  operations(roots).filter((each) => each === kind).length;

const text = (roots: readonly Node[]): string =>
  printGraph(roots.map((node, k) => ({ name: String(k), node })));

describe("share", () => {
  const two = written({ instance: loss("multi_similarity") }, { instance: loss("circle") });

  it("makes one node of what losses on one head have in common", () => {
    const shared = after("share", two);
    for (const kind of ["input", "labels", "same", "differs", "matmul"]) {
      expect(count(two, kind), kind).toBe(2);
      expect(count(shared, kind), kind).toBe(1);
    }
  });

  it("leaves what stands on different heads apart", () => {
    const apart = written(
      { instance: loss("multi_similarity"), head: "a" },
      { instance: loss("multi_similarity"), head: "b" },
    );
    expect(count(after("share", apart), "matmul")).toBe(2);
    expect(count(after("share", apart), "same")).toBe(1);
  });

  it("keeps nodes that are of the graph already", () => {
    const graph = new Graph();
    const views = [{ name: "x", dim: 8 }];
    const roots = rootsOf(lowerLoss(graph, loss("triplet"), { path: "losses/l", views }));
    const [share] = PASSES;
    expect(share!.run(new Builder(graph, share!.rules), roots, {})).toEqual(roots);
  });
});

describe("fold", () => {
  it("drops operands that change nothing", () => {
    const roots = written({
      instance: formula("1 * (0 + mean[i in batch] -(-norm(x[i]))) / 1 - 0"),
    });
    expect(operations(roots)).toEqual(expect.arrayContaining(["mul", "neg", "sub", "div"]));
    const folded = operations(after("fold", roots));
    for (const kind of ["mul", "neg", "sub", "div"]) expect(folded, kind).not.toContain(kind);
  });

  it("asks a condition once", () => {
    const guards = "same(i, j), same(i, j) and i < j";
    const roots = written({ instance: formula(`sum[i, j | ${guards}] cosine(x[i], x[j])`) });
    expect(count(after("fold", roots), "and")).toBeLessThan(count(roots, "and"));
  });

  it("keeps a factor of 0 beside what may be infinite", () => {
    const roots = written({ instance: formula("mean[i in batch] 0 * exp(100 * norm(x[i]))") });
    expect(operations(after("prune", roots))).toContain("mul");
  });
});

describe("stabilise", () => {
  const cases = {
    "log of one and a sum of exponentials": ["log(1 + sum[j] exp(x[i, 0] * x[j, 1]))", "log1p_sum_exp"],
    "log of a sum of exponentials": ["log(sum[j] exp(x[i, 0] * x[j, 1]))", "logsumexp"],
    "log1p of an exponential": ["log1p(exp(x[i, 0]))", "softplus"],
    "cosine of a shifted angle": ["cos(acos(x[i, 0]) + 0.2)", "sine_of_acos"],
    "a product over two lengths": ["sum[j] cosine(x[i], x[j])", "normalize"],
  } as const;

  it.each(Object.entries(cases))("%s", (_, [body, stable]) => {
    const roots = written({ instance: formula(`mean[i] ${body}`) });
    expect(operations(after("fold", roots))).not.toContain(stable);
    const stabilised = operations(after("stabilise", roots));
    expect(stabilised).toContain(stable);
    for (const unstable of ["log", "acos", "ratio"]) expect(stabilised, unstable).not.toContain(unstable);
  });
});

describe("stack", () => {
  const heads = ["a", "b", "c"];
  const stacked = (roots: readonly Node[]): readonly Node[] => after("stack", roots, { stack: true });

  it.each([
    ["multi_similarity", "matmul"],
    ["contrastive", "squared_distance"],
  ])("%s on three heads has one product", (use, kind) => {
    const roots = written(...heads.map((head) => ({ instance: loss(use), head })));
    expect(count(after("stabilise", roots), kind)).toBe(3);
    const together = stacked(roots);
    expect(count(together, kind)).toBe(1);
    expect(count(together, "take")).toBe(3);
    const [product] = topological(together).filter((node) => node.operation.kind === kind);
    expect(product!.shape).toEqual([3, "batch", "batch"]);
  });

  it("needs two heads of one width", () => {
    const roots = written(
      { instance: loss("contrastive"), head: "a", dim: 8 },
      { instance: loss("contrastive"), head: "b", dim: 16 },
      { instance: loss("triplet"), head: "b", dim: 16 },
      { instance: loss("multi_similarity"), head: "c", dim: 8 },
    );
    expect(text(stacked(roots))).toBe(text(after("stabilise", roots)));
  });

  it("is done only where it is asked for", () => {
    const roots = written(...heads.map((head) => ({ instance: loss("triplet"), head })));
    expect(text(after("stack", roots))).toBe(text(after("stabilise", roots)));
  });

  it("stacks no product that stands below another", () => {
    const nested = formula(
      "mean[i, j] (sum[k] cosine(x[i], x[k]) * cosine(x[j], x[k])) * (sum[k] cosine(x[i], x[k]))",
    );
    const roots = written({ instance: nested, head: "a" }, { instance: nested, head: "b" });
    const together = stacked(roots);
    expect(count(together, "stack")).toBe(1);
  });
});

describe("prune", () => {
  it("drops terms with the factor 0", () => {
    for (const [use, gone] of [
      ["vicreg(covariance: 0)", "ne"],
      ["soft_triple(centers: 3, tau: 0)", "lt"],
    ] as const) {
      const roots = written({ instance: loss(use) });
      expect(operations(after("specialise-batch", roots))).toContain(gone);
      expect(operations(after("prune", roots))).not.toContain(gone);
    }
  });

  it("drops a term with the factor 0 inside a reduction", () => {
    const roots = written({ instance: formula("mean[i, j] (cosine(x[i], x[j]) + 0 * norm(x[i]))") });
    expect(operations(after("specialise-batch", roots))).toContain("norm");
    expect(operations(after("prune", roots))).not.toContain("norm");
  });

  it.each(["vicreg(covariance: 0)", "soft_triple(centers: 2, tau: 0)", "margin(nu: 0)"])(
    "leaves the value and gradient of %s",
    (use) => {
      const instance = loss(use);
      expectParity(instance, randomBatch(instance, { labels: [0, 1, 0, 2, 1, 2], unit: true }));
    },
  );

  it("drops a stop where no gradient comes", () => {
    const body = "mean[i] (if stop_gradient(norm(x[i])) > 1 then norm(x[i]) else stop_gradient(norm(x[i])))";
    const roots = written({ instance: formula(body) });
    const compared = (of: readonly Node[]): Node =>
      topological(of).find(({ operation }) => operation.kind === "gt")!.inputs[0]!;
    expect(compared(after("specialise-batch", roots)).operation.kind).toBe("stop_gradient");
    const pruned = after("prune", roots);
    expect(compared(pruned).operation.kind).toBe("norm");
    // The one that is learned from still lets no gradient through.
    expect(count(pruned, "stop_gradient")).toBe(1);
  });
});

describe("every pass", () => {
  const model = written(
    { instance: loss("contrastive"), head: "a" },
    { instance: loss("triplet(margin: 0.4)"), head: "b" },
    { instance: loss("multi_similarity"), head: "a" },
    { instance: loss("arcface"), head: "b" },
  );
  const settings = { samples: 4, chunk: { batch: 64, classes: 100_000 }, stack: true };

  it.each(PASS_NAMES)("%s changes nothing when it runs again", (name) => {
    const graph = new Graph();
    let now: readonly Node[] = model;
    for (const pass of PASSES) {
      now = pass.run(new Builder(graph, pass.rules), now, settings);
      if (pass.name === name) break;
    }
    const pass = PASSES[PASS_NAMES.indexOf(name)]!;
    expect(text(pass.run(new Builder(graph, pass.rules), now, settings))).toBe(text(now));
  });

  it("the rules at work as nodes are made lead to the graph of the passes", () => {
    for (const use of ["triplet", "circle", "arcface", "proxy_anchor", "supcon"]) {
      const views = [{ name: "x", dim: 8 }];
      const inputs = { path: "losses/l0", views, rules: EVERY_RULE };
      const direct = rootsOf(lowerLoss(new Graph(), loss(use), inputs));
      expect(text(after("stabilise", written({ instance: loss(use) }))), use).toBe(text(direct));
    }
  });
});
