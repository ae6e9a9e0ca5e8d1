import { describe, expect, test } from "vitest";
import { backwardPasses, headPasses } from "../../src/check/cost.ts";
import type { CombinePlan, LayerPlan, ModelPlan } from "../../src/plan/plan.ts";
import { check, marks } from "./harness.ts";

function planOf(text: string): ModelPlan {
  const { diagnostics, models } = check(text);
  expect(diagnostics.map((each) => `${each.code} ${each.message}`)).toEqual([]);
  expect(models).toHaveLength(1);
  return models[0]!;
}

const shapes = (layers: readonly LayerPlan[]): string[] =>
  layers.map((layer) => `${layer.path} ${layer.input.join("x")} -> ${layer.output.join("x")}`);

/** `learned(pull, 0.5 soft + 0.5 rank)` */
function combination(plan: CombinePlan): string {
  switch (plan.kind) {
    case "loss":
      return plan.name;
    case "sum":
      return plan.terms.map((term) => `${term.coefficient} ${combination(term.node)}`).join(" + ");
    case "strategy":
      return `${plan.name}@${plan.path}(${plan.operands.map((each) => combination(each.node)).join(", ")})`;
  }
}

const iconSearch = `
dataset icons = icon_sets(size: 32) {
  split: zero_shot(train: 0.4, validation: 0.1)
  augment: affine(rotate: 10deg, scale: 0.1, shift: 0.1) |> cutout(8)
}

model icon_search {
  data: icons
  backbone: conv4(width: 64)
  embedding: linear(64) |> normalize

  losses {
    pull: contrastive(margin: 0.5)
    rank: triplet(margin: 0.2)
    soft: multi_similarity()
    arc: arcface(margin: 11deg, scale: 24) with linear(128) |> normalize
  }

  combine: learned(pull, rank, soft, arc)

  train {
    batch: 32 classes * 4 samples
    optimizer: adamw(lr: 1e-3, weight_decay: 1e-4, clip: 10) { backbone: 1x, heads: 0.5x }
    schedule: cosine(warmup: 100 steps)
    steps: 2000
    select: best(map_at_r, every: 200 steps, patience: 10)
    seed: 7
  }

  evaluate { recall_at: [1, 2, 4, 8], map_at_r, r_precision, nmi, knn_accuracy: 3 }

  compress: distances(to: 64)
}`;

describe("the first program of the language", () => {
  const plan = planOf(iconSearch);

  test("data", () => {
    expect(plan.data).toMatchObject({ name: "icons", image: [32, 32, 1] });
    expect(plan.data.source).toMatchObject({ name: "icon_sets", text: "icon_sets(size: 32)" });
    expect(plan.data.split.values.get("validation")).toEqual({ kind: "number", value: 0.1 });
    expect(plan.data.augment.map((use) => use.name)).toEqual(["affine", "cutout"]);
  });

  test("backbone: repeat unrolled, shapes inferred", () => {
    expect(plan.backbone.text).toBe("conv4(width: 64)");
    expect(plan.backbone.layers).toHaveLength(16);
    expect(shapes(plan.backbone.layers.slice(0, 5))).toEqual([
      "backbone/0.conv 32x32x1 -> 32x32x64",
      "backbone/1.batch_norm 32x32x64 -> 32x32x64",
      "backbone/2.relu 32x32x64 -> 32x32x64",
      "backbone/3.max_pool 32x32x64 -> 16x16x64",
      "backbone/4.conv 16x16x64 -> 16x16x64",
    ]);
    expect(plan.backbone.output).toEqual([2, 2, 64]);
  });

  test("heads: one for each loss, an own one where `with` says so", () => {
    expect(
      plan.heads.map(({ name, dim, unit, losses, weight }) => ({ name, dim, unit, losses, weight })),
    ).toEqual([
      { name: "pull", dim: 64, unit: true, losses: ["pull"], weight: 0.25 },
      { name: "rank", dim: 64, unit: true, losses: ["rank"], weight: 0.25 },
      { name: "soft", dim: 64, unit: true, losses: ["soft"], weight: 0.25 },
      { name: "arc", dim: 128, unit: true, losses: ["arc"], weight: 0.25 },
    ]);
    expect(shapes(plan.heads[3]!.layers)).toEqual([
      "heads/arc/0.linear 2x2x64 -> 128",
      "heads/arc/1.normalize 128 -> 128",
    ]);
    expect(plan.losses.map((loss) => [loss.name, loss.head, loss.text])).toContainEqual([
      "arc",
      "arc",
      "arc: arcface(margin: 11deg, scale: 24) with linear(128) |> normalize",
    ]);
  });

  test("combination, training, evaluation, compression", () => {
    expect(combination(plan.combine)).toBe("learned@combine(pull, rank, soft, arc)");
    expect(plan.combine.kind === "strategy" && plan.combine.values.get("floor")).toEqual({
      kind: "number",
      value: 0.25,
    });
    const { train } = plan;
    expect(train.batch).toEqual({ classes: 32, samples: 4 });
    expect(train.optimizer.name).toBe("adamw");
    expect([...train.groups]).toEqual([
      ["backbone", 1],
      ["heads", 0.5],
    ]);
    expect(train.schedule.values.get("warmup")).toEqual({ kind: "number", value: 100, unit: "step" });
    expect(train.steps).toBe(2000);
    expect(train.select?.values.get("metric")).toEqual({ kind: "word", value: "map_at_r" });
    expect(train.seed).toBe(7);
    expect(plan.evaluate).toEqual({
      recallAt: [1, 2, 4, 8],
      mapAtR: true,
      rPrecision: true,
      nmi: true,
      knnAccuracy: 3,
    });
    expect(plan.compress?.values.get("to")).toEqual({ kind: "number", value: 64 });
  });
});

const small = (inside: string, data = "icons"): string => `
dataset icons = icon_sets()
dataset photos = folder("photos") { image: rgb(40x30) }
model small { data: ${data}  ${inside} }`;

describe("smaller programs", () => {
  test("everything else at its default", () => {
    const plan = planOf(
      small("backbone: conv4(8) embedding: linear(16) |> normalize losses { pull: contrastive }"),
    );
    expect(combination(plan.combine)).toBe("pull");
    expect(plan.train).toMatchObject({ batch: { classes: 16, samples: 4 }, steps: 1000, seed: 0 });
    expect(plan.train.optimizer).toMatchObject({ name: "adamw", text: "adamw()" });
    expect(plan.train.precision.name).toBe("float32");
    expect(plan.data.split.text).toBe("zero_shot()");
    expect(plan.evaluate.recallAt).toEqual([1, 2, 4, 8]);
  });

  test("a shared head, a head with convolutions, sizes of photographs", () => {
    const plan = planOf(
      small(
        `backbone: conv4(8)
         embedding: shared linear(16)
         losses { a: multi_similarity  b: proxy_anchor  c: arcface with conv(12, kernel: 3) |> relu |> global_avg_pool |> normalize }
         combine: a + b + c`,
        "photos",
      ),
    );
    expect(plan.data.image).toEqual([30, 40, 3]);
    expect(plan.backbone.output).toEqual([1, 2, 8]);
    expect(plan.heads.map((head) => [head.name, head.losses, head.unit, head.dim])).toEqual([
      ["shared", ["a", "b"], false, 16],
      ["c", ["c"], true, 12],
    ]);
    expect(plan.heads[0]!.weight).toBe(0.5);
  });

  test("residual blocks with and without a projection, and backbones in a pipeline", () => {
    const plan = planOf(
      small(
        `backbone: conv(8) |> resnet_block(8) |> resnet_block(16, stride: 2)
         embedding: global_avg_pool |> normalize  losses { a: triplet }`,
      ),
    );
    expect(shapes(plan.backbone.layers)).toEqual([
      "backbone/0.conv 32x32x1 -> 32x32x8",
      "backbone/1.residual 32x32x8 -> 32x32x8",
      "backbone/2.relu 32x32x8 -> 32x32x8",
      "backbone/3.residual 32x32x8 -> 16x16x16",
      "backbone/4.relu 16x16x16 -> 16x16x16",
    ]);
    const [, first, , second] = plan.backbone.layers;
    expect(first?.kind === "residual" && first.projection).toBe(undefined);
    expect(second?.kind === "residual" && second.projection).toEqual({ stride: 2 });
    expect(second?.kind === "residual" && shapes(second.body)[0]).toBe(
      "backbone/3.residual/0.conv 32x32x8 -> 16x16x16",
    );
  });

  test.each([
    ["0.3 * pull + 0.7 * rank + 0.1 * (soft + arc)", "0.3 pull + 0.7 rank + 0.1 soft + 0.1 arc"],
    ["(pull + rank + soft + arc) / 4", "0.25 pull + 0.25 rank + 0.25 soft + 0.25 arc"],
    [
      "equal(pull, rank) + 2 * learned(soft, arc)",
      "1 equal@combine/0(pull, rank) + 2 learned@combine/1(soft, arc)",
    ],
    [
      "learned(rank, 0.5 * soft + 0.5 * equal(pull, arc))",
      "learned@combine(rank, 0.5 soft + 0.5 equal@combine/1/1(pull, arc))",
    ],
    [
      "learned(pull, equal(rank, soft), arc, scale: none)",
      "learned@combine(pull, equal@combine/1(rank, soft), arc)",
    ],
  ])("combine: %s", (written, meant) => {
    const plan = planOf(
      small(
        `backbone: conv4(8)  embedding: linear(8) |> normalize
         losses { pull: contrastive rank: triplet soft: multi_similarity arc: arcface }
         combine: ${written}`,
      ),
    );
    expect(combination(plan.combine)).toBe(meant);
  });

  test("operands that are not losses are named as they are written", () => {
    const plan = planOf(
      small(
        `backbone: conv4(8)  embedding: linear(8) |> normalize
         losses { a: contrastive b: triplet c: arcface }  combine: learned(a, 0.5 * b + c)`,
      ),
    );
    expect(plan.combine.kind === "strategy" && plan.combine.operands.map((each) => each.name)).toEqual([
      "a",
      "0.5 * b + c",
    ]);
  });
});

describe("refused, at the exact characters", () => {
  const model = (changes: Readonly<Record<string, string>>): string => {
    const parts: Record<string, string> = {
      data: "data: icons",
      backbone: "backbone: conv4(8)",
      embedding: "embedding: linear(8) |> normalize",
      losses: "losses { a: contrastive }",
      ...changes,
    };
    return `dataset icons = icon_sets()\nmodel m {\n${Object.values(parts).join("\n")}\n}`;
  };
  const two = "losses { a: contrastive b: triplet }";
  test.each<[string, Record<string, string>, string[]]>([
    ["misspelt setting", { embedding: "embeding: linear(8) |> normalize" }, ["DML0401 embeding"]],
    ["missing data", { data: "" }, ["DML0402 m"]],
    ["unknown data set", { data: "data: icon" }, ["DML0201 icon"]],
    ["duplicate setting", { extra: "data: icons" }, ["DML0403 data"]],
    ["a block where a value belongs", { data: "data { icons }" }, ["DML0404 data { icons }"]],
    ["unknown layer", { embedding: "embedding: liner(8) |> normalize" }, ["DML0201 liner"]],
    [
      "two errors in one pipeline",
      { embedding: "embedding: liner(8) |> linear(0) |> normalize" },
      ["DML0201 liner", "DML0216 0"],
    ],
    ["convolution of a vector", { embedding: "embedding: linear(8) |> conv(8)" }, ["DML0406 conv(8)"]],
    ["normalize of an image", { embedding: "embedding: normalize" }, ["DML0406 normalize"]],
    ["a head that is an image", { embedding: "embedding: conv(8)" }, ["DML0405 conv(8)"]],
    ["pooled away", { backbone: "backbone: conv4(8) |> max_pool(4)" }, ["DML0407 max_pool(4)"]],
    ["too many layers", { backbone: "backbone: repeat 1000000000 { relu }" }, ["DML0414 relu"]],
    [
      "too many parameters",
      { embedding: "embedding: linear(1000000000) |> normalize" },
      ["DML0414 linear(1000000000)"],
    ],
    [
      "too large a batch",
      { train: "train { batch: 100000 classes * 4 samples }" },
      ["DML0414 100000 classes * 4 samples"],
    ],
    ["repeat of half", { backbone: "backbone: repeat 1.5 { relu }" }, ["DML0215 1.5"]],
    ["unknown loss", { losses: "losses { a: contrastiv() }" }, ["DML0201 contrastiv"]],
    [
      "a block after a loss",
      { losses: "losses { a: contrastive { margin: 1 } }" },
      ["DML0220 { margin: 1 }"],
    ],
    ["no losses", { losses: "losses { }" }, ["DML0404 losses"]],
    ["loss twice", { losses: "losses { a: contrastive a: triplet }" }, ["DML0403 a"]],
    ["losses not combined", { losses: two }, ["DML0411 m"]],
    ["one never combined", { losses: two, combine: "combine: 1 * a" }, ["DML0409 b: triplet"]],
    ["one combined twice", { losses: two, combine: "combine: a + equal(a, b)" }, ["DML0410 a"]],
    ["unknown in combine", { losses: two, combine: "combine: a + c" }, ["DML0201 c"]],
    ["negative", { losses: two, combine: "combine: a - 0.5 * b" }, ["DML0412 b"]],
    ["zero", { losses: two, combine: "combine: a + 0 * b" }, ["DML0412 b"]],
    ["number added", { losses: two, combine: "combine: a + b + 1" }, ["DML0412 a + b + 1"]],
    ["product of losses", { losses: two, combine: "combine: a * b" }, ["DML0412 a * b"]],
    ["misspelt strategy", { losses: two, combine: "combine: lerned(a, b)" }, ["DML0201 lerned"]],
    ["misspelt option", { losses: two, combine: "combine: learned(a, b, flor: 0.1)" }, ["DML0210 flor"]],
    ["empty strategy", { losses: two, combine: "combine: equal()" }, ["DML0412 equal()"]],
    ["batch without units", { train: "train { batch: 32 * 4 }" }, ["DML0404 32 * 4"]],
    [
      "batch of singles",
      { train: "train { batch: 32 classes * 1 sample }" },
      ["DML0408 32 classes * 1 sample"],
    ],
    [
      "batch of one class",
      { train: "train { batch: 1 class * 4 samples }" },
      ["DML0408 1 class * 4 samples"],
    ],
    ["group", { train: "train { optimizer: sgd { backbon: 1x } }" }, ["DML0401 backbon"]],
    ["multiplier", { train: "train { optimizer: sgd { backbone: 1 } }" }, ["DML0215 1"]],
    ["steps without unit", { train: "train { schedule: cosine(warmup: 100) }" }, ["DML0215 100"]],
    ["misspelt precision", { train: "train { precision: bfloat }" }, ["DML0201 bfloat"]],
    ["precision with an argument", { train: "train { precision: bfloat16(8) }" }, ["DML0213 8"]],
    ["another precision", { train: "train { precison: float16 }" }, ["DML0401 precison", "DML0201 float16"]],
    ["steps", { train: "train { steps: 0.5  seed: -1 }" }, ["DML0215 0.5", "DML0215 -1"]],
    [
      "selection without validation",
      { train: "train { select: best(map_at_r) }" },
      ["DML0416 best(map_at_r)"],
    ],
    ["metric", { evaluate: "evaluate { recal_at: [1] }" }, ["DML0401 recal_at"]],
    ["list", { evaluate: "evaluate { recall_at: 1 }" }, ["DML0215 1"]],
    ["recall at 0", { evaluate: "evaluate { recall_at: [0, 1] }" }, ["DML0215 [0, 1]"]],
    ["compress", { compress: "compress: distances(to: 9)" }, ["DML0415 distances(to: 9)"]],
    ["memory of nothing", { losses: "losses { a: triplet against memory(0) }" }, ["DML0216 0"]],
    [
      "memory by another name",
      { losses: "losses { a: triplet against remember(64) }" },
      ["DML0201 remember"],
    ],
    [
      "memory of a loss of proxies",
      { losses: "losses { a: arcface against memory(64) }" },
      ["DML0431 memory(64)"],
    ],
    [
      "memory of views",
      { losses: "losses { a: vicreg against memory(64) with linear(8) }" },
      ["DML0430 vicreg", "DML0431 memory(64)"],
    ],
    [
      "memory larger than the budget",
      { losses: "losses { a: contrastive against memory(40000000) }" },
      ["DML0427 contrastive"],
    ],
  ])("%s", (_, changes, expected) => {
    const { diagnostics, models } = check(model(changes));
    expect(marks(diagnostics).sort()).toEqual([...expected].sort());
    expect(models).toEqual([]);
  });

  test.each([
    [
      "icon_sets(size: 32) { split: zero_shot(train: 0.6, validation: 0.5) }",
      ["DML0413 zero_shot(train: 0.6, validation: 0.5)"],
    ],
    [
      "icon_sets(size: 32) { split: zero_shot(train: 0.5, validation: 0.5) }",
      ["DML0413 zero_shot(train: 0.5, validation: 0.5)"],
    ],
    ["icon_sets(size: 4)", ["DML0216 4"]],
    ["icon_sets(size: 100000)", ["DML0414 icon_sets(size: 100000)"]],
    ["icon_sets() { augment: cutot(8) }", ["DML0201 cutot"]],
    ["icon_sets() { augment: affine(rotate: 10) }", ["DML0215 10"]],
    ["icon_sets() { image: rgb(32x32) }", ["DML0404 rgb(32x32)"]],
    ['folder("photos")', ["DML0402 d"]],
    ["folder(7) { image: rgb(32x32) }", ["DML0215 7"]],
    ['cub200("data")', ['DML0900 cub200("data")']],
    ["icon_sets() { split: official }", ["DML0900 official"]],
    ["icon_sets() { spilt: zero_shot() }", ["DML0401 spilt"]],
  ])("dataset d = %s", (source, expected) => {
    expect(marks(check(`dataset d = ${source}`).diagnostics)).toEqual(expected);
  });

  test.each([
    [
      "backbone b(width: int): image[h, w, c] -> image[_, _, width] { conv(width) |> max_pool(2) |> conv(32) }",
      ["DML0405 image[_, _, width]"],
    ],
    ["backbone b(): image[h, w, c] -> vector[9] { conv(4) |> linear(9) }", []],
    ["backbone b(): image[h, w, c] -> vector[9] { conv(4) |> linear(8) }", ["DML0405 vector[9]"]],
    ["backbone b(): image[h, w, c] -> image[_, _, _] { conv(wdth) }", ["DML0201 wdth"]],
    ["backbone b(): image[h, w, c] -> image[_, _, _] { conv(4) |> b }", ["DML0208 b"]],
    ["backbone b(): image[h, w, c] -> image[_, _, 4] { residual { conv(4, stride: 2) } |> relu }", []],
  ])("%s", (text, expected) => {
    expect(marks(check(text).diagnostics)).toEqual(expected);
  });
});

describe("named groups", () => {
  const plan = planOf(
    small(
      `backbone: conv4(8)
       embedding: linear(8) |> normalize
       losses {
         a: contrastive(margin: 0.5)  b: triplet  c: arcface with linear(4) |> normalize
         d: multi_similarity  e: proxy_anchor
       }
       combine: 0.5 * e + hierarchical(by: equal) {
         pairs: learned(a, b, c) with linear(16) |> normalize
         rest: hierarchical { inner: d with linear(32) |> normalize }
       }`,
    ),
  );

  test("a group's head serves the losses without one of their own; the inner group wins", () => {
    expect(plan.heads.map(({ name, losses, dim, weight }) => [name, losses, dim, weight])).toEqual([
      ["pairs", ["a", "b"], 16, 0.25],
      ["c", ["c"], 4, 0.25],
      ["inner", ["d"], 32, 0.25],
      ["e", ["e"], 8, 0.25],
    ]);
  });

  test("groups are operands with their names", () => {
    expect(combination(plan.combine)).toBe(
      "0.5 e + 1 hierarchical@combine/1(learned@combine/1/0(a, b, c), hierarchical@combine/1/1(d))",
    );
    const groups = plan.combine.kind === "sum" ? plan.combine.terms[1]!.node : plan.combine;
    expect(groups.kind === "strategy" && groups.operands.map(({ name }) => name)).toEqual(["pairs", "rest"]);
    expect(groups.kind === "strategy" && groups.needs).toEqual(["non_negative"]);
  });
});

test.each([
  ["a + b", 1, 0],
  ["learned(a, b)", 1, 0],
  ["learned(a, b, scale: gradient_norm)", 1, 2],
  ["learned(a, equal(b, c, scale: gradient_norm), scale: gradient_norm)", 1, 4],
  ["pcgrad(a, b)", 2, 0],
  ["pcgrad(a, b + c, d)", 3, 0],
  ["pcgrad(a, equal(b, c, d, scale: gradient_norm))", 2, 3],
  ["learned(pcgrad(a, b), c)", 3, 0],
  ["2 * pcgrad(a, b) + pcgrad(c, d)", 5, 0],
])("%s costs %d backward passes, and %d to the features", (combine, passes, toFeatures) => {
  const used = ["a", "b", "c", "d"].filter((name) => new RegExp(`\\b${name}\\b`).test(combine));
  const plan = planOf(
    small(
      `backbone: conv4(8)  embedding: linear(8) |> normalize
       losses { ${used.map((name) => `${name}: triplet`).join("  ")} }  combine: ${combine}`,
    ),
  );
  expect(backwardPasses(plan.combine)).toBe(passes);
  expect(headPasses(plan.combine)).toBe(toFeatures);
});
