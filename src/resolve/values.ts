/**
 * Constant values: what arguments, settings and defaults evaluate to, and what a use of a loss with its arguments is.
 * Produced by `bind.ts`; read by the checker, the interpreter, lowering and emission. Data only.
 */
import type { LossDeclaration, MeasureDeclaration, MinerDeclaration } from "../syntax/ast.ts";
import type { Span } from "../source/source.ts";
import type { Scope } from "./scope.ts";

export type Value =
  | NumberValue
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "word"; readonly value: string }
  | { readonly kind: "size"; readonly width: number; readonly height: number }
  | { readonly kind: "numbers"; readonly values: readonly number[] }
  /** One of the labels of the data set, by name. */
  | { readonly kind: "label"; readonly name: string }
  | MeasureValue
  | LossInstance
  | MinerInstance;

/** Angles are radians; multipliers and counts are plain numbers that remember their unit. */
export interface NumberValue {
  readonly kind: "number";
  readonly value: number;
  readonly unit?: "class" | "sample" | "step" | "epoch" | "x" | "angle";
}

export type Values = ReadonlyMap<string, Value>;

/** A distance or similarity with its own parameters bound. */
export interface MeasureValue {
  readonly kind: "measure";
  readonly declaration: MeasureDeclaration;
  readonly parameters: Values;
  /** Where the names of its body resolve. */
  readonly scope: Scope;
}

/** A loss with every parameter bound. */
export interface LossInstance {
  readonly kind: "loss";
  readonly declaration: LossDeclaration;
  readonly parameters: Values;
  readonly scope: Scope;
  /** The use (`contrastive(margin: 0.5)`), or the declaration's name where there is no use. */
  readonly span: Span;
}

/** A miner with every parameter bound. */
export interface MinerInstance {
  readonly kind: "miner";
  readonly declaration: MinerDeclaration;
  readonly parameters: Values;
  readonly scope: Scope;
  readonly span: Span;
}
