/**
 * Types of expressions in formulas: numbers, truth values, labels, indices over an axis, and tensors with named axes
 * (a vector has one). Data, and how they are named to people. Pure.
 */
import type { Value } from "../resolve/values.ts";
import type { MeasureDeclaration } from "../syntax/ast.ts";
import { describeAxis, type Axis } from "./axis.ts";

export type FormulaType =
  /** `index`: of `n + p` with a whole number n, the axis it can stand on: `n` rows, and behind them those of p. */
  | { readonly kind: "number"; readonly index?: Axis }
  | { readonly kind: "bool" }
  /** The class of a sample, `y[i]`: an index over the classes that is read from the data. */
  | { readonly kind: "label"; /** Of a further label of the data set. */ readonly on?: string }
  | { readonly kind: "index"; readonly axis: Axis }
  | { readonly kind: "tensor"; readonly axes: readonly Axis[]; readonly of: "number" | "label" }
  | { readonly kind: "list" }
  | { readonly kind: "word" }
  /** A parameter of the type `label`, which stands after `on:`. */
  | { readonly kind: "label_name" }
  | { readonly kind: "measure"; readonly polarity: MeasureDeclaration["polarity"] }
  | { readonly kind: "loss" }
  | { readonly kind: "function"; readonly name: string }
  /** An error has been reported for it, or nothing can be known: fits everywhere. */
  | { readonly kind: "unknown" };

export const number: FormulaType = { kind: "number" };
export const bool: FormulaType = { kind: "bool" };
export const label: FormulaType = { kind: "label" };
export const unknown: FormulaType = { kind: "unknown" };

export function tensor(axes: readonly Axis[], of: "number" | "label" = "number"): FormulaType {
  if (axes.length > 0) return { kind: "tensor", axes, of };
  return of === "label" ? label : number;
}

/** The type of a parameter's value in a formula. */
export function typeOfValue(value: Value): FormulaType {
  switch (value.kind) {
    case "number":
    case "bool":
    case "word":
    case "loss":
      return { kind: value.kind };
    case "numbers":
      return { kind: "list" };
    case "measure":
      return { kind: "measure", polarity: value.declaration.polarity };
    default:
      return unknown;
  }
}

/** "a number", "a vector over the components of the embedding", "an index over the classes". */
export function describe(type: FormulaType): string {
  switch (type.kind) {
    case "number":
      return "a number";
    case "bool":
      return "a condition";
    case "label":
      return type.on === undefined ? "a label" : `a label by \`${type.on}\``;
    case "index":
      return type.axis.resolved.name === undefined ? "an index" : `an index over ${describeAxis(type.axis)}`;
    case "tensor":
      if (type.of === "label") return "the labels of the batch";
      return type.axes.length === 1
        ? `a vector over ${describeAxis(type.axes[0]!)}`
        : `a table over ${type.axes.map(describeAxis).join(" and ")}`;
    case "list":
      return "a list of numbers";
    case "word":
      return "a word";
    case "label_name":
      return "the name of a label";
    case "measure":
      return `a ${type.polarity}`;
    case "loss":
      return "a loss";
    case "function":
      return `the function \`${type.name}\` without its arguments`;
    case "unknown":
      return "something unknown";
  }
}

/** The same type for the memory of `let` functions: equal texts, equal types. */
export function keyOf(type: FormulaType, idOf: (axis: Axis) => number): string {
  switch (type.kind) {
    case "number":
      return type.index === undefined ? "number" : `number ${idOf(type.index.resolved)}`;
    case "index":
      return `index ${idOf(type.axis.resolved)}`;
    case "tensor":
      return `tensor ${type.of} ${type.axes.map((axis) => idOf(axis.resolved)).join(" ")}`;
    case "measure":
      return `measure ${type.polarity}`;
    case "function":
      return `function ${type.name}`;
    case "label":
      return `label ${type.on ?? ""}`;
    default:
      return type.kind;
  }
}

/** A number where arithmetic is done: numbers, and truth values as 0 or 1. */
export function isNumeric(type: FormulaType): boolean {
  return type.kind === "number" || type.kind === "bool" || type.kind === "unknown";
}
