/**
 * Random well-typed formulas, as text, for the property test: every form of the language's expressions over the indices
 * in scope. Numbers are odd on purpose, so that no comparison is decided by a rounding.
 */

/** A whole number from 0 to `max`. */
export type Draw = (max: number) => number;

type Kind = "sample" | "column" | "class" | "number";
export interface Index {
  readonly name: string;
  readonly kind: Kind;
}

export const DIM = 4;

/** Statements that every generated loss starts with. */
export const STATEMENTS = `
param w: real[classes, dim] = xavier_uniform()
param b: real[classes] = constant(1)
let s(p, q) = cosine(x[p], x[q])
let d(p, q) = euclidean(x[p], x[q])
let pushed(v) = if v > 0.313 then 1.7 * v else v - 0.219`;

export class FormulaGenerator {
  private readonly draw: Draw;
  private names = 0;

  constructor(draw: Draw) {
    this.draw = draw;
  }

  /** The body of a loss. */
  body(): string {
    return this.real(4, []);
  }

  /** A number at indices that are given, of a state table say. */
  entry(scope: readonly Index[]): string {
    return this.real(3, scope);
  }

  private pick<T>(options: readonly T[]): T {
    return options[this.draw(options.length - 1)]!;
  }

  private number(): string {
    return this.pick(["0.371", "1.29", "2.137", "0.083", "3"]);
  }

  private of(scope: readonly Index[], kind: Kind): string | undefined {
    const names = scope.filter((index) => index.kind === kind).map((index) => index.name);
    return names.length === 0 ? undefined : this.pick(names);
  }

  private leaf(scope: readonly Index[]): string {
    const i = this.of(scope, "sample");
    const j = this.of(scope, "sample");
    const t = this.of(scope, "column");
    const k = this.of(scope, "class");
    const n = this.of(scope, "number");
    const options = [this.number()];
    if (i !== undefined && j !== undefined) {
      options.push(
        `x[${i}, ${this.pick(["0", "1", "3"])}]`,
        `x[${i}, ${this.pick(["0", "2"])}]`,
        `b[y[${i}]]`,
      );
      options.push(
        `norm(x[${i}])`,
        `cosine(x[${i}], w[y[${j}]])`,
        `(0.1 * ${i})`,
        `s(${i}, ${j})`,
        `d(${i}, ${j})`,
      );
      if (t !== undefined) options.push(`x[${i}, ${t}]`, `normalize(x[${i}])[${t}]`);
      if (k !== undefined) options.push(`cosine(x[${i}], w[${k}])`, `(1 * (y[${i}] == ${k}))`);
    }
    if (k !== undefined) options.push(`b[${k}]`, `w[${k}, ${t ?? "1"}]`);
    if (n !== undefined) options.push(`(0.3 * ${n})`);
    return this.pick(options);
  }

  private real(depth: number, scope: readonly Index[]): string {
    if (depth === 0) return this.leaf(scope);
    const a = (): string => this.real(depth - 1, scope);
    const forms: (() => string)[] = [
      () => this.leaf(scope),
      () => `(${a()} ${this.pick(["+", "-", "*"])} ${a()})`,
      () => `${this.pick(["relu", "sigmoid", "tanh", "abs", "softplus", "sin", "cos", "pushed"])}(${a()})`,
      () => `${this.pick(["max", "min"])}(${a()}, ${a()})`,
      // What cancels to nothing is no denominator: whether it is 0 is a matter of rounding.
      () => `ratio(${a()}, ${this.leaf(scope)})`,
      () => `(${a()} / (1.5 + sigmoid(${a()})))`,
      () =>
        this.pick([`sqrt(abs(${a()}))`, `exp(tanh(${a()}))`, `log1p(abs(${a()}))`, `log(0.3 + abs(${a()}))`]),
      () =>
        this.pick([`(${a()})^2`, `(0.2 + abs(${a()}))^1.5`, `stop_gradient(${a()})`, `acos(tanh(${a()}))`]),
      () => `(if ${this.condition(depth - 1, scope)} then ${a()} else ${a()})`,
      () => `(1 * (${this.condition(depth - 1, scope)}))`,
    ];
    if (scope.length < 3) for (let n = 0; n < 8; n++) forms.push(() => this.reduction(depth - 1, scope));
    if (scope.length === 0) return this.reduction(depth - 1, scope);
    return this.pick(forms)();
  }

  private condition(depth: number, scope: readonly Index[]): string {
    const i = this.of(scope, "sample");
    const j = this.of(scope, "sample");
    const options = [`${this.real(Math.max(0, depth - 1), scope)} > ${this.number()}`];
    if (i !== undefined && j !== undefined) {
      options.push(`same(${i}, ${j})`, `differs(${i}, ${j})`, `${i} < ${j}`, `${i} != ${j}`, `y[${i}] == 1`);
      options.push(`y[${i}] == y[${j}]`);
    }
    if (depth > 0) {
      const c = (): string => this.condition(depth - 1, scope);
      options.push(`(${c()} and ${c()})`, `(${c()} or ${c()})`, `not (${c()})`);
      const inner = this.bind(scope, "sample");
      options.push(
        `(${this.pick(["any", "all"])}[${inner.at(-1)!.name} in batch] (${this.condition(0, inner)}))`,
      );
    }
    return this.pick(options);
  }

  private bind(scope: readonly Index[], kind: Kind): Index[] {
    return [...scope, { name: `i${this.names++}`, kind }];
  }

  private reduction(depth: number, scope: readonly Index[]): string {
    const kinds: readonly Kind[] = ["sample", "sample", "sample", "column", "class", "number"];
    let inner = this.bind(scope, this.pick(kinds));
    if (inner.length < 3 && this.draw(2) === 0) inner = this.bind(inner, this.pick(kinds));
    const bound = inner.slice(scope.length);
    const domains: Readonly<Record<Kind, string>> = {
      sample: "batch",
      column: "dim",
      class: "classes",
      number: this.pick(["1..4", "[0, 2, 3]", "3"]),
    };
    const guards = Array.from({ length: this.draw(2) }, () => this.condition(Math.min(1, depth), inner));
    const indices = bound.map(({ name, kind }) => `${name} in ${domains[kind]}`).join(", ");
    const head = `[${indices}${guards.length === 0 ? "" : ` | ${guards.join(", ")}`}]`;
    const body = this.real(depth, inner);
    const listed = bound.some(({ kind }) => kind === "number") && domains.number.startsWith("[");
    const prefix = ["sum", "mean", "mean_active", "max", "min", "logsumexp"];
    const calls = ["variance", "sample_variance"];
    const op = this.pick(
      listed ? prefix : [...prefix, ...prefix, ...calls, "count", "softmax", "cross_entropy"],
    );
    const last = bound[0]!;
    switch (op) {
      case "count":
        return `(count${head} (${this.condition(depth, inner)}))`;
      case "softmax":
        return `(sum${head} (softmax[${last.name} in ${domains[last.kind]}](${body}) * ${this.leaf(inner)}))`;
      case "cross_entropy": {
        // Inside another reduction: at the root, where nothing else is reduced, it is a loss of no sample.
        const i = this.of(scope, "sample");
        if (i === undefined) return `(sum${head} (${body}))`;
        const within = [...scope, { name: last.name, kind: "class" as const }];
        return `(cross_entropy[${last.name} in classes](${this.real(depth, within)}, y[${i}]))`;
      }
      case "variance":
      case "sample_variance":
        return `${op}${head}(${body})`;
      default:
        return `(${op}${head} (${body}))`;
    }
  }
}
