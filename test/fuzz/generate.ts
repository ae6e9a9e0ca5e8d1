/**
 * Random well-formed specs: losses, measures, miners, backbones, data sets and models by the grammar, mostly of things
 * that exist and of values that make sense, so that many of them get as far as a program; some of anything. Used by the
 * fuzzers.
 */
import type { Random } from "./random.ts";

const wildNumbers = [
  "0",
  "1e308",
  "1e-320",
  "99999999999999999999",
  "1e9",
  "0.1",
  "2",
  "3",
  "28.6deg",
  "1rad",
  "7 steps",
];
const wildNames = [
  "constructor",
  "__proto__",
  "await",
  "toString",
  "x",
  "y",
  "batch",
  "classes",
  "dim",
  "missing",
];
const functions = [
  "relu",
  "softplus",
  "sigmoid",
  "tanh",
  "exp",
  "log",
  "log1p",
  "sqrt",
  "abs",
  "acos",
  "cos",
  "sin",
  "stop_gradient",
];
const reductions = ["sum", "mean", "mean_active", "max", "min", "logsumexp"];
const measures = ["euclidean", "cosine", "dot", "squared_euclidean", "cosine_distance", "snr"];

/** What a formula can see at one place. */
interface Sight {
  /** Indices over the batch. */
  readonly samples: readonly string[];
  /** Indices over the classes, if the loss has a table of them. */
  readonly classes: readonly string[];
  /** Names of plain numbers. */
  readonly numbers: readonly string[];
  /** `let` functions of two samples. */
  readonly pairs: readonly string[];
  readonly table: boolean;
}

export class SpecGenerator {
  private readonly random: Random;
  /** Whether values and names are of any kind; otherwise they are such as a person would write. */
  private readonly wild: boolean;
  private names = 0;

  constructor(random: Random) {
    this.random = random;
    this.wild = random.chance(0.3);
  }

  /** A sensible choice, or in a wild spec now and then one of the others. */
  private usual(sensible: readonly string[], others: readonly string[]): string {
    return this.random.pick(this.wild && this.random.chance(0.3) ? others : sensible);
  }

  /** A file of a few declarations; nearly always a model at its end. */
  spec(): string {
    const { random } = this;
    const losses = random.some(0, 3, () => this.loss());
    const others = random.some(0, 2, () => random.pick([() => this.measure(), () => this.miner()])());
    const data = this.dataset();
    const parts = [...losses.map(({ text }) => text), ...others, data.text];
    if (random.chance(0.9))
      parts.push(
        this.model(
          data.name,
          losses.map(({ name }) => name),
        ),
      );
    return parts.join("\n");
  }

  private fresh(stem: string): string {
    return this.wild && this.random.chance(0.05) ? this.random.pick(wildNames) : `${stem}${this.names++}`;
  }

  private number(): string {
    const { random } = this;
    if (this.wild && random.chance(0.15)) return random.pick(wildNumbers);
    return random.pick(["0.1", "0.5", "1", "2", "3", "0.05", "10", "1e-3", String(random.below(50))]);
  }

  // ── Formulas ────────────────────────────────────────────────────────────────────────────────────────────────────

  loss(): { readonly name: string; readonly text: string } {
    const { random } = this;
    const name = this.fresh("loss");
    const table = random.chance(0.4);
    const numbers = random.some(0, 3, () => this.fresh("p"));
    let sight: Sight = { samples: [], classes: [], numbers, pairs: [], table };
    const lines: string[] = [];
    if (table)
      lines.push(
        `param w: real[classes, dim] = ${random.pick(["xavier_uniform()", "kaiming_normal() { lr: 1e-2 }"])}`,
      );
    for (const pair of random.some(0, 3, () => this.fresh("f"))) {
      const inner = { ...sight, samples: ["u", "v"] };
      lines.push(`let ${pair}(u, v) = ${this.value(inner, 3)}`);
      sight = { ...sight, pairs: [...sight.pairs, pair] };
    }
    lines.push(this.top(sight));
    const header = numbers.map((each) => `${each}: ${this.parameterType()}`).join(", ");
    const assumes = random.chance(0.2) ? " assumes unit(x)" : "";
    return { name, text: `/// Random.\nloss ${name}(${header})${assumes} {\n  ${lines.join("\n  ")}\n}\n` };
  }

  private parameterType(): string {
    return this.random.pick([
      "real = 1",
      "real > 0 = 0.5",
      "real in [0, 1] = 0.25",
      "int >= 1 = 3",
      "real >= 0 = 0",
      "angle = 10deg",
    ]);
  }

  private top(sight: Sight): string {
    const terms = this.random.some(1, 3, () => this.reduction(sight, 4));
    // A table that nothing uses is an error.
    if (sight.table) terms.push("mean[i in batch] cosine(x[i], w[y[i]])");
    return terms.map((term) => `(${term})`).join(this.random.pick([" + ", " * ", " - "]));
  }

  private reduction(sight: Sight, depth: number): string {
    const { random } = this;
    const op = random.pick(reductions);
    if (sight.table && sight.samples.length > 0 && random.chance(0.3)) {
      const k = this.fresh("k");
      const inner = { ...sight, classes: [...sight.classes, k] };
      if (random.chance(0.5))
        return `cross_entropy[${k} in classes](${this.value(inner, depth - 1)}, y[${random.pick(sight.samples)}])`;
      return `${op}[${k} in classes${this.guards(inner)}] ${this.operand(inner, depth - 1)}`;
    }
    if (random.chance(0.05)) {
      const r = this.fresh("r");
      const inner = { ...sight, numbers: [...sight.numbers, r] };
      return `${op}[${r} in 0..${this.usual(["3", "5", "7"], ["1e9", "100", "0"])}] ${this.operand(inner, depth - 1)}`;
    }
    const bound = random.some(1, 3, () => this.fresh("i"));
    const inner = { ...sight, samples: [...sight.samples, ...bound] };
    const bindings = bound.map((index) => this.usual([`${index} in batch`], [index])).join(", ");
    return `${op}[${bindings}${this.guards(inner)}] ${this.operand(inner, depth - 1)}`;
  }

  private guards(sight: Sight): string {
    const guards = this.random.some(0, 2, () => this.condition(sight, 1));
    return guards.length === 0 ? "" : ` | ${guards.join(", ")}`;
  }

  private condition(sight: Sight, depth: number): string {
    const { random } = this;
    const [i, j] = [this.sample(sight), this.sample(sight)];
    const choices = [
      () => `same(${i}, ${j})`,
      () => `differs(${i}, ${j})`,
      () => `${i} ${random.pick(["<", "<=", "!=", "=="])} ${j}`,
      () =>
        `y[${i}] ${random.pick(["==", "!="])} ${sight.classes.length > 0 ? random.pick(sight.classes) : `y[${j}]`}`,
      () => `${this.value(sight, depth)} ${random.pick([">", "<", ">=", "<="])} ${this.value(sight, depth)}`,
      () => `(not ${this.condition(sight, 0)})`,
      () => `(${this.condition(sight, 0)} ${random.pick(["and", "or"])} ${this.condition(sight, 0)})`,
    ];
    return random.pick(depth > 0 ? choices : choices.slice(0, 4))();
  }

  private sample(sight: Sight): string {
    return sight.samples.length > 0 ? this.random.pick(sight.samples) : "missing";
  }

  /** A value in parentheses. */
  private operand(sight: Sight, depth: number): string {
    return `(${this.value(sight, depth)})`;
  }

  private value(sight: Sight, depth: number): string {
    const { random } = this;
    if (depth <= 0) return this.leaf(sight);
    const sub = (): string => this.value(sight, depth - 1);
    return random.pick([
      () => this.leaf(sight),
      () => this.leaf(sight),
      () => `(${sub()} ${random.pick(["+", "-", "*", "/"])} ${sub()})`,
      () => `(${sub()} ${random.pick(["+", "-", "*"])} ${sub()})`,
      () => `${random.pick(functions)}(${sub()})`,
      () => `${random.pick(["max", "min", "ratio"])}(${sub()}, ${sub()})`,
      () => `(if ${this.condition(sight, depth - 1)} then ${sub()} else ${sub()})`,
      () => `-${this.operand(sight, depth - 1)}`,
      () => `${this.operand(sight, depth - 1)}^${this.usual(["2", "3", "0.5"], ["(-1)", "1e9"])}`,
      () => `(${this.reduction(sight, depth - 1)})`,
    ])();
  }

  private leaf(sight: Sight): string {
    const { random } = this;
    const [i, j] = [this.sample(sight), this.sample(sight)];
    const choices = [
      () => this.number(),
      () => `${random.pick(measures)}(x[${i}], x[${j}])`,
      () => `norm(x[${i}])`,
      ...(sight.numbers.length > 0 ? [() => random.pick(sight.numbers)] : []),
      ...(sight.pairs.length > 0 ? [() => `${random.pick(sight.pairs)}(${i}, ${j})`] : []),
      ...(sight.classes.length > 0
        ? [() => `${random.pick(measures)}(x[${i}], w[${random.pick(sight.classes)}])`]
        : []),
      ...(sight.table ? [() => `cosine(x[${i}], w[y[${j}]])`] : []),
    ];
    return random.chance(0.9) ? random.pick(choices)() : this.usual(["batch", "classes", "dim"], ["x", "y"]);
  }

  measure(): string {
    const { random } = this;
    const body = random.pick([
      "norm(u - v)",
      "sum[t] abs(u[t] - v[t])",
      "1 - cosine(u, v)",
      "ratio(sum[t] u[t] * v[t], norm(u) + norm(v))",
      "max[t] (u[t] - v[t])^2",
    ]);
    return `${random.pick(["distance", "similarity"])} ${this.fresh("m")}(u, v) = ${this.number()} * ${body}\n`;
  }

  miner(): string {
    const { random } = this;
    const tuple = random.pick([
      ["a", "n"],
      ["a", "p", "n"],
    ]);
    const sight: Sight = { samples: tuple, classes: [], numbers: [], pairs: [], table: false };
    return `miner ${this.fresh("miner")}() for (${tuple.join(", ")}) {\n  ${this.condition(sight, 2)}\n}\n`;
  }

  // ── Models ──────────────────────────────────────────────────────────────────────────────────────────────────────

  dataset(): { readonly name: string; readonly text: string } {
    const { random } = this;
    const name = this.fresh("data");
    const source = this.usual(
      ["icon_sets(size: 16)", "icon_sets()", 'folder("photos")'],
      [`icon_sets(size: ${this.number()})`, 'folder("")'],
    );
    const transform = (): string => random.pick(["flip", "cutout(4)", "affine(rotate: 10deg, shift: 0.1)"]);
    const settings = [
      ...(source.startsWith("folder") ? [`image: ${random.pick(["gray", "rgb"])}(16x16)`] : []),
      `split: zero_shot(train: ${this.usual(["0.4", "0.5"], ["1", "0", "2"])}, validation: 0.1)`,
      ...(random.chance(0.4) ? [`augment: ${random.some(1, 3, transform).join(" |> ")}`] : []),
    ];
    return { name, text: `dataset ${name} = ${source} { ${settings.join("  ")} }\n` };
  }

  private model(data: string, own: readonly string[]): string {
    const { random } = this;
    const library = [
      "triplet(margin: 0.2)",
      "contrastive(margin: 0.5)",
      "multi_similarity()",
      "proxy_anchor()",
      "arcface(margin: 11deg, scale: 24)",
      "normalized_softmax()",
      "supcon()",
      "circle()",
      "histogram(nodes: 11)",
      "matryoshka(triplet(), sizes: [2, 4])",
      `triplet(margin: ${this.usual(["0.1", "0.5"], wildNumbers)}, distance: ${this.usual(["euclidean", "cosine_distance", "snr"], measures)})`,
    ];
    const entries = random.some(1, 5, () => {
      const loss = own.length > 0 && random.chance(0.5) ? `${random.pick(own)}()` : random.pick(library);
      const miner = random.chance(0.12)
        ? ` on ${random.pick(["semi_hard()", "batch_hard()", "multi_similarity()"])}`
        : "";
      const head = random.chance(0.2) ? ` with ${this.head()}` : "";
      return { name: this.fresh("l"), text: `${loss}${miner}${head}` };
    });
    const settings = [
      `data: ${data}`,
      `backbone: ${this.backbone()}`,
      `embedding: ${random.chance(0.3) ? "shared " : ""}${this.head()}`,
      `losses {\n${entries.map(({ name, text }) => `    ${name}: ${text}`).join("\n")}\n  }`,
      ...(entries.length > 1 || random.chance(0.3)
        ? [`combine: ${this.combination(entries.map(({ name }) => name))}`]
        : []),
      ...(random.chance(0.7) ? [`train { ${this.training()} }`] : []),
      ...(random.chance(0.4) ? ["evaluate { recall_at: [1, 2], map_at_r, nmi }"] : []),
      ...(random.chance(0.2) ? [`compress: distances(to: ${random.pick(["2", "4", "64"])})`] : []),
    ];
    return `model ${this.fresh("model")} {\n  ${settings.join("\n  ")}\n}\n`;
  }

  private backbone(): string {
    const { random } = this;
    const stage = (): string =>
      random.pick([
        "conv(4)",
        `conv(${this.usual(["4", "8"], wildNumbers)}, kernel: 3, stride: 2)`,
        "batch_norm",
        "relu",
        "leaky_relu(0.1)",
        "max_pool(2)",
        "residual { conv(4) |> relu }",
        "residual { conv(8, stride: 2) |> batch_norm }",
        "repeat 2 { conv(4) |> relu }",
      ]);
    return random.chance(0.4) ? "conv4(4)" : random.some(1, 4, stage).join(" |> ");
  }

  private head(): string {
    const { random } = this;
    const stages = [
      ...random.some(0, 1, () => random.pick(["conv(4)", "relu", "linear(8)", "global_avg_pool"])),
      `linear(${random.pick(["4", "8", "64"])})`,
      ...(random.chance(0.8) ? ["normalize"] : []),
    ];
    return stages.join(" |> ");
  }

  /** Each loss once, in a random tree of sums and strategies. */
  private combination(names: readonly string[]): string {
    const { random } = this;
    if (names.length === 1) return random.chance(0.3) ? `0.3 * ${names[0]}` : names[0]!;
    const cut = 1 + random.below(names.length - 1);
    const left = this.combination(names.slice(0, cut));
    const right = this.combination(names.slice(cut));
    return random.pick([
      () => `learned(${left}, ${right})`,
      () => `equal(${left}, ${right}, scale: ${random.pick(["none", "initial", "running_mean"])})`,
      () => `(${left} + ${this.usual(["0.5", "2"], ["0", "-1"])} * (${right}))`,
      () =>
        `${this.usual(["learned", "equal"], ["gated", "pcgrad", "uncertainty", "wedl"])}(${left}, ${right})`,
    ])();
  }

  private training(): string {
    const { random } = this;
    const settings = [
      `batch: ${this.usual(["4", "8", "12"], ["1", "1000000"])} classes * ${this.usual(["2", "4"], ["1"])} samples`,
      `optimizer: adamw(lr: 1e-3, weight_decay: ${this.usual(["0.01", "0"], ["-1", "1e308"])})`,
      "schedule: cosine(warmup: 10 steps)",
      `steps: ${this.usual(["10", "1000"], ["1e9", "0"])}`,
      "select: best(map_at_r, every: 5 steps, patience: 2)",
      `precision: ${this.usual(["bfloat16", "float32()"], ["float16", "16"])}`,
      `seed: ${random.below(100)}`,
    ];
    return settings.filter(() => random.chance(0.5)).join("  ");
  }
}
