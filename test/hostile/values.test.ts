/** Values no model is made of, in every place where a value can be: a diagnostic or a program, soon and in little memory. */
import { describe, expect, it } from "vitest";
import { survive } from "../fuzz/survive.ts";

const numbers = [
  "0",
  "-0",
  "-1",
  "0.5",
  "1e308",
  "1e309",
  "-1e308",
  "1e-320",
  "1e-400",
  "99999999999999999999",
  "9007199254740993",
  "2147483648",
  "4294967296",
  "1000000000",
  "1e9",
  "0.0000001",
  "1 / 0",
  "0 / 0",
  "2^1024",
  "2^2^2^2^2^2",
  "-(1 / 0)",
  "1e308 * 10",
  "90deg",
  "1e308deg",
  "1e9 steps",
  "99999999999999999999 classes",
  "1e400x",
  "99999999x99999999",
  "0x0",
  "[1e9, -1, 0.5, 1e308]",
  "[]",
  `[${"1, ".repeat(2000)}1]`,
  '""',
  "true",
  "_",
];

/** What is written in one place, and what stays within a usual model around it. */
function model(changes: Readonly<Record<string, string>>): string {
  const settings = {
    size: "16",
    backbone: "conv4(4)",
    embedding: "linear(4) |> normalize",
    losses: "a: triplet()  b: proxy_anchor()",
    combine: "learned(a, b)",
    train: "batch: 4 classes * 2 samples  steps: 2",
    evaluate: "nmi",
    more: "",
    split: "zero_shot(train: 0.4, validation: 0.1)",
    augment: "flip",
    ...changes,
  };
  return `
dataset d = icon_sets(size: ${settings.size}) { split: ${settings.split}  augment: ${settings.augment} }
model m {
  data: d
  backbone: ${settings.backbone}
  embedding: ${settings.embedding}
  losses { ${settings.losses} }
  combine: ${settings.combine}
  train { ${settings.train} }
  evaluate { ${settings.evaluate} }
  ${settings.more}
}
`;
}

const places: Readonly<Record<string, (value: string) => string>> = {
  "image size": (v) => model({ size: v }),
  "train share": (v) => model({ split: `zero_shot(train: ${v})` }),
  rotation: (v) => model({ augment: `affine(rotate: ${v}, scale: ${v}, shift: ${v}) |> cutout(${v})` }),
  "backbone width": (v) => model({ backbone: `conv4(${v})` }),
  channels: (v) => model({ backbone: `conv(${v}) |> relu` }),
  kernel: (v) => model({ backbone: `conv(4, kernel: ${v}, stride: ${v})` }),
  pooling: (v) => model({ backbone: `max_pool(${v}) |> avg_pool(${v})` }),
  slope: (v) => model({ backbone: `conv(4) |> leaky_relu(${v})` }),
  repetition: (v) => model({ backbone: `repeat ${v} { conv(4) }` }),
  "nested repetition": (v) => model({ backbone: `repeat ${v} { repeat ${v} { repeat ${v} { relu } } }` }),
  units: (v) => model({ embedding: `linear(${v}) |> normalize` }),
  "loss parameters": (v) =>
    model({ losses: `a: triplet(margin: ${v})  b: proxy_anchor(margin: ${v}, alpha: ${v})` }),
  centres: (v) => model({ losses: `a: soft_triple(centers: ${v}, la: ${v})  b: histogram(nodes: ${v})` }),
  angle: (v) => model({ losses: `a: arcface(margin: ${v}, scale: ${v})  b: contrastive(${v}, ${v})` }),
  prefixes: (v) =>
    model({ losses: `a: matryoshka(triplet(), sizes: ${v})  b: matryoshka(triplet(), sizes: [${v}])` }),
  factors: (v) => model({ combine: `${v} * a + (${v}) * b` }),
  floor: (v) => model({ combine: `learned(a, b, floor: ${v})` }),
  classes: (v) => model({ train: `batch: ${v} classes * 2 samples` }),
  samples: (v) => model({ train: `batch: 4 classes * ${v} samples` }),
  batch: (v) => model({ train: `batch: ${v}` }),
  steps: (v) => model({ train: `steps: ${v}  seed: ${v}` }),
  rates: (v) =>
    model({
      train: `optimizer: adamw(lr: ${v}, weight_decay: ${v}, clip: ${v}) { backbone: ${v}, heads: ${v} }`,
    }),
  schedule: (v) => model({ train: `steps: 10  schedule: cosine(warmup: ${v}, floor: ${v})` }),
  selection: (v) => model({ train: `select: best(map_at_r, every: ${v}, patience: ${v})` }),
  evaluation: (v) => model({ evaluate: `recall_at: ${v}, knn_accuracy: ${v}` }),
  compression: (v) => model({ more: `compress: distances(to: ${v})` }),
};

const formulas: Readonly<Record<string, (value: string) => string>> = {
  "a range": (v) => `mean[i, r in 0..${v}] r * norm(x[i])`,
  "a range from": (v) => `mean[i, r in ${v}..10] r * norm(x[i])`,
  "a count": (v) => `mean[i, r in ${v}] r * norm(x[i])`,
  "three ranges": (v) => `mean[i, r in ${v}, s in ${v}, t in ${v}] r * s * t * norm(x[i])`,
  "a factor": (v) => `mean[i] (${v}) * norm(x[i])`,
  "a power": (v) => `mean[i] norm(x[i])^(${v})`,
  "an exponent": (v) => `mean[i] exp(${v} * norm(x[i])) + log(${v}) + sqrt(${v}) + acos(${v})`,
  "a divisor": (v) => `mean[i] norm(x[i]) / (${v}) + ratio(1, ${v})`,
  "an index": (v) => `mean[i] x[i, ${v}]`,
  "a row": (v) => `norm(x[${v}])`,
  "a prefix": (v) => `mean[i] norm(prefix(x[i], ${v}))`,
  "a condition": (v) => `mean[i | norm(x[i]) > ${v}] (if ${v} > 0 then norm(x[i]) else ${v})`,
};

/** The dearest of them is the largest program; the bound leaves room for a busy machine. */
async function soon(text: string): Promise<void> {
  const start = performance.now();
  const memory = process.memoryUsage().heapUsed;
  const { diagnostics, programs } = await survive(text, { emit: true });
  expect(diagnostics.length + programs.length).toBeGreaterThan(0);
  expect((performance.now() - start) / 1000).toBeLessThan(20);
  expect((process.memoryUsage().heapUsed - memory) / 2 ** 20).toBeLessThan(1500);
}

describe.each(Object.entries(places))("as %s", (_, text) => {
  it("any value gives a diagnostic or a program", async () => {
    for (const value of numbers) await soon(text(value));
  });
});

describe.each(Object.entries(formulas))("in a formula, as %s", (name, formula) => {
  it("any value gives a diagnostic or a program", async () => {
    for (const value of numbers) {
      const loss = `loss own() { ${formula(value)} }\nloss table() {\n  param w: real[${value}, dim] = constant(${value}) { lr: ${value} }\n  mean[i, k] cosine(x[i], w[k])\n}\n`;
      await soon(loss + model({ losses: "a: own()  b: triplet()" }));
      if (name === "a factor") await soon(loss + model({ losses: "a: table()  b: triplet()" }));
    }
  });
});
