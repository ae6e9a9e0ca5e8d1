/**
 * The syntax tree of DML: what the parser produces and every later stage reads. Data only. Every node has a span; a
 * place the parser had to recover in holds an explicit `Missing` node, never an invented default.
 */
import type { Span } from "../source/source.ts";

export interface Identifier {
  readonly kind: "Identifier";
  readonly text: string;
  readonly span: Span;
}

export interface File {
  readonly kind: "File";
  readonly span: Span;
  readonly imports: readonly Import[];
  readonly declarations: readonly Declaration[];
}

/** `import { my_loss, my_miner } from "./my_losses.dml"` */
export interface Import {
  readonly kind: "Import";
  readonly span: Span;
  readonly names: readonly Identifier[];
  readonly from: StringLiteral | Missing;
}

// ── Declarations ────────────────────────────────────────────────────────────────────────────────────────────────

export type Declaration =
  | DatasetDeclaration
  | ModelDeclaration
  | LossDeclaration
  | MeasureDeclaration
  | MinerDeclaration
  | BackboneDeclaration
  | PrimitiveDeclaration;

interface Declared {
  readonly span: Span;
  readonly name: Identifier;
  /** The `///` lines directly above, without their slashes, joined by newlines. */
  readonly doc?: string;
}

/** `dataset icons = icon_sets(size: 32) { split: … }` */
export interface DatasetDeclaration extends Declared {
  readonly kind: "Dataset";
  readonly source: Expression;
  readonly settings?: Block;
}

/** `model NAME { … }`; `losses { … }` is an ordinary setting whose block holds `LossEntry`s. */
export interface ModelDeclaration extends Declared {
  readonly kind: "Model";
  readonly settings: Block;
}

/** `loss NAME(params)[: type] [of (u, v)] [assumes unit(x)] { statements body }` */
export interface LossDeclaration extends Declared {
  readonly kind: "Loss";
  readonly parameters: readonly Parameter[];
  readonly result?: TypeExpression;
  /** Names of the views; absent: the one view `x`. */
  readonly views?: readonly Identifier[];
  readonly assumes: readonly Expression[];
  readonly statements: readonly Statement[];
  readonly body: Expression;
}

/** `distance NAME(u, v, p: real = 2) = expr` or `similarity …`; the untyped parameters are the two vectors. */
export interface MeasureDeclaration extends Declared {
  readonly kind: "Measure";
  readonly polarity: "distance" | "similarity";
  /** The vector operands, two in a well-formed program. */
  readonly operands: readonly Identifier[];
  readonly parameters: readonly Parameter[];
  readonly body: Expression;
}

/** `miner NAME(params) for (a, p, n) { lets; one condition, or an assignment for each chosen index }` */
export interface MinerDeclaration extends Declared {
  readonly kind: "Miner";
  readonly parameters: readonly Parameter[];
  readonly tuple: readonly Identifier[];
  readonly statements: readonly Statement[];
  /** The condition under which a tuple is chosen; absent when the tuple's indices are assigned. */
  readonly condition?: Expression;
}

/** `backbone NAME(params): image[h, w, c] -> image[_, _, width] { pipeline }` */
export interface BackboneDeclaration extends Declared {
  readonly kind: "Backbone";
  readonly parameters: readonly Parameter[];
  readonly input?: TypeExpression;
  readonly output?: TypeExpression;
  readonly body: Expression;
}

/** What a primitive is; the standard library declares the signature, the compiler knows the meaning. */
export type PrimitiveKind =
  | "function"
  | "reduction"
  | "initializer"
  | "layer"
  | "source"
  | "split"
  | "transform"
  | "image"
  | "strategy"
  | "memory"
  | "optimizer"
  | "schedule"
  | "selection"
  | "precision"
  | "class_weights"
  | "metric"
  | "compression";

/** `primitive layer conv(channels: int >= 1, kernel: int >= 1 = 3): image[h, w, c] -> image[_, _, channels]` (standard library only) */
export interface PrimitiveDeclaration extends Declared {
  readonly kind: "Primitive";
  readonly role: PrimitiveKind;
  readonly parameters: readonly Parameter[];
  /** After the `:`; for a layer, what it takes. */
  readonly result?: TypeExpression;
  /** After the `->`: what a layer gives. */
  readonly output?: TypeExpression;
  /** `needs non_negative, gradient_each`: what a strategy asks of its operands. */
  readonly needs: readonly Identifier[];
}

/** `margin: real > 0 = 1` */
export interface Parameter {
  readonly kind: "Parameter";
  readonly span: Span;
  readonly name: Identifier;
  readonly type: TypeExpression;
  readonly default?: Expression;
}

/**
 * `real > 0`, `int`, `angle in [0deg, 90deg]`, `int[]`, `real[classes, dim]`, `image[h, w, c]`, `distance`, `loss...`,
 * `word(running_mean, none)`.
 */
export interface TypeExpression {
  readonly kind: "Type";
  readonly span: Span;
  readonly name: Identifier;
  /** Between brackets: absent without brackets, empty for a list type `int[]`. */
  readonly axes?: readonly Expression[];
  /** The words a `word(…)` may be. */
  readonly words: readonly Identifier[];
  readonly refinements: readonly Refinement[];
  /** `terms: loss...` takes any number of positional arguments. */
  readonly rest: boolean;
}

export type Refinement =
  | {
      readonly kind: "Bound";
      readonly span: Span;
      readonly op: ">" | ">=" | "<" | "<=";
      readonly value: Expression;
    }
  | { readonly kind: "Interval"; readonly span: Span; readonly low: Expression; readonly high: Expression };

// ── Statements of losses and miners ─────────────────────────────────────────────────────────────────────────────

export type Statement = Let | Param | State | Assignment;

/** `let d(i, j) = distance(x[i], x[j])` or `let width = 2 / (nodes - 1)` */
export interface Let {
  readonly kind: "Let";
  readonly span: Span;
  readonly name: Identifier;
  /** Empty and `callable: false` for a plain value. */
  readonly parameters: readonly Identifier[];
  readonly callable: boolean;
  readonly value: Expression;
}

/** `param proxy: real[classes, dim] = kaiming_normal() { lr: 1e-2 }` (the block belongs to the initialiser call) */
export interface Param {
  readonly kind: "Param";
  readonly span: Span;
  readonly name: Identifier;
  readonly type: TypeExpression;
  readonly init: Expression;
}

/** `state m: real = 0 then 0.9 * m + 0.1 * e`, or a table, `state h[b in 0..bins]: real = 0 then 0.9 * h[b] + 0.1 * e(b)` */
export interface State {
  readonly kind: "State";
  readonly span: Span;
  readonly name: Identifier;
  /** Of a table that is written entry by entry; else empty. */
  readonly indices: readonly IndexBinding[];
  readonly type: TypeExpression;
  readonly initial: Expression;
  readonly next: Expression;
}

/** A miner's `p = argmax[j | same(a, j)] d(a, j)` */
export interface Assignment {
  readonly kind: "Assignment";
  readonly span: Span;
  readonly name: Identifier;
  readonly value: Expression;
}

// ── Settings ────────────────────────────────────────────────────────────────────────────────────────────────────

/** `{ name: value, name, name { … } }` */
export interface Block {
  readonly kind: "Block";
  readonly span: Span;
  readonly entries: readonly Entry[];
}

/**
 * One entry of a block: `name: value`, `name`, or `name { … }`. In `losses { … }` and `hierarchical { … }` an entry may
 * go on with `by LABEL`, `on MINER`, `against MEMORY`, `with PIPELINE`, in that order; elsewhere the checker refuses
 * them.
 */
export interface Entry {
  readonly kind: "Entry";
  readonly span: Span;
  readonly name: Identifier;
  readonly value?: Expression;
  readonly block?: Block;
  readonly label?: Expression;
  readonly miner?: Expression;
  readonly memory?: Expression;
  readonly head?: Expression;
}

// ── Expressions ─────────────────────────────────────────────────────────────────────────────────────────────────

export type Expression =
  | NumberLiteral
  | BoolLiteral
  | StringLiteral
  | SizeLiteral
  | Name
  | Hole
  | List
  | Range
  | Unary
  | Binary
  | If
  | Call
  | Index
  | Reduction
  | Pipeline
  | Repeat
  | Residual
  | Shared
  | Missing;

/** Word units count (`32 classes`), glued ones scale (`28.6deg`, `0.5rad`, `100x`). Singular and plural are one unit. */
export type Unit = "class" | "sample" | "step" | "epoch" | "deg" | "rad" | "x";

export interface NumberLiteral {
  readonly kind: "Number";
  readonly span: Span;
  /** As written, before the unit is applied. */
  readonly value: number;
  readonly unit?: Unit;
  /** Whether it was written without a decimal point or an exponent. */
  readonly integer: boolean;
}

export interface BoolLiteral {
  readonly kind: "Bool";
  readonly span: Span;
  readonly value: boolean;
}

export interface StringLiteral {
  readonly kind: "String";
  readonly span: Span;
  /** Escapes resolved. */
  readonly value: string;
}

/** `224x224`: width by height. */
export interface SizeLiteral {
  readonly kind: "Size";
  readonly span: Span;
  readonly width: number;
  readonly height: number;
}

export interface Name {
  readonly kind: "Name";
  readonly span: Span;
  readonly text: string;
}

/** `_`: the inferred size. */
export interface Hole {
  readonly kind: "Hole";
  readonly span: Span;
}

export interface List {
  readonly kind: "List";
  readonly span: Span;
  readonly items: readonly Expression[];
}

/** `from..to`, half-open; only as an index domain. */
export interface Range {
  readonly kind: "Range";
  readonly span: Span;
  readonly from: Expression;
  readonly to: Expression;
}

export interface Unary {
  readonly kind: "Unary";
  readonly span: Span;
  readonly op: "-" | "not";
  readonly operand: Expression;
}

export type BinaryOperator =
  "+" | "-" | "*" | "/" | "^" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "and" | "or";

export interface Binary {
  readonly kind: "Binary";
  readonly span: Span;
  readonly op: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
}

export interface If {
  readonly kind: "If";
  readonly span: Span;
  readonly condition: Expression;
  readonly then: Expression;
  readonly else: Expression;
}

/** `name(args) { block }`; a bare `name { block }` is a call without arguments (`parenthesised: false`). */
export interface Call {
  readonly kind: "Call";
  readonly span: Span;
  readonly callee: Identifier;
  readonly arguments: readonly Argument[];
  readonly parenthesised: boolean;
  readonly block?: Block;
}

export interface Argument {
  readonly kind: "Argument";
  readonly span: Span;
  readonly name?: Identifier;
  readonly value: Expression;
}

/** `x[i]`, `w[k, c]`, `b[y[a]]` */
export interface Index {
  readonly kind: "Index";
  readonly span: Span;
  readonly target: Expression;
  readonly indices: readonly Expression[];
}

/** Prefix form: one body, the product (or, for any/all/count, the comparison) to the right. */
export type PrefixReductionOperator =
  | "sum"
  | "mean"
  | "mean_active"
  | "max"
  | "min"
  | "logsumexp"
  | "argmax"
  | "argmin"
  | "sample"
  | "any"
  | "all"
  | "count";
/** Call form: bodies between parentheses. */
export type CallReductionOperator =
  "softmax" | "log_softmax" | "variance" | "sample_variance" | "cross_entropy" | "solve" | "kmeans";
export type ReductionOperator = PrefixReductionOperator | CallReductionOperator;

export interface Reduction {
  readonly kind: "Reduction";
  readonly span: Span;
  readonly op: ReductionOperator;
  /** Where the operator's own word stands. */
  readonly opSpan: Span;
  readonly indices: readonly IndexBinding[];
  readonly guards: readonly Expression[];
  /** One for the prefix form; the arguments of the call form. */
  readonly bodies: readonly Expression[];
}

/** `i`, or `k in classes`, `r in 0..nodes`, `m in sizes` */
export interface IndexBinding {
  readonly kind: "IndexBinding";
  readonly span: Span;
  readonly name: Identifier;
  readonly domain?: Expression;
}

/** `a |> b |> c`, two or more stages. */
export interface Pipeline {
  readonly kind: "Pipeline";
  readonly span: Span;
  readonly stages: readonly Expression[];
}

/** `repeat 4 { pipeline }` */
export interface Repeat {
  readonly kind: "Repeat";
  readonly span: Span;
  readonly count: Expression;
  readonly body: Expression;
}

/** `residual { pipeline }` */
export interface Residual {
  readonly kind: "Residual";
  readonly span: Span;
  readonly body: Expression;
}

/** `shared linear(64) |> normalize`: one head for all losses. */
export interface Shared {
  readonly kind: "Shared";
  readonly span: Span;
  readonly pipeline: Expression;
}

/** What could not be parsed; a diagnostic has been reported for it. */
export interface Missing {
  readonly kind: "Missing";
  readonly span: Span;
}
