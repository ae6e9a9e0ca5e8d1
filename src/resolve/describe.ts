/**
 * How values and parameter types are named to people. Read by every stage that reports one. Pure.
 */
import { textOf } from "../source/source.ts";
import type { TypeExpression } from "../syntax/ast.ts";
import type { NumberValue, Value } from "./values.ts";

/** At most six significant digits, without trailing zeros. */
export function formatNumber(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** A number as one would write it: `0.5`, `28.6deg`, `100 steps`, `2x`. */
export function writeNumber({ value, unit }: NumberValue): string {
  switch (unit) {
    case undefined:
      return formatNumber(value);
    case "angle":
      return `${formatNumber((value * 180) / Math.PI)}deg`;
    case "x":
      return `${formatNumber(value)}x`;
    default:
      return `${formatNumber(value)} ${value === 1 ? unit : unit === "class" ? "classes" : `${unit}s`}`;
  }
}

/** "the number `0.5`", "the angle `28.6deg`", "the distance `euclidean`". */
export function describeValue(value: Value): string {
  switch (value.kind) {
    case "number":
      if (value.unit === undefined) return `the number \`${writeNumber(value)}\``;
      if (value.unit === "angle") return `the angle \`${writeNumber(value)}\``;
      if (value.unit === "x") return `the multiplier \`${writeNumber(value)}\``;
      return `\`${writeNumber(value)}\``;
    case "bool":
      return `\`${value.value}\``;
    case "text":
      return `the text "${value.value}"`;
    case "word":
      return `the word \`${value.value}\``;
    case "size":
      return `the size \`${value.width}x${value.height}\``;
    case "numbers":
      return `the list \`[${value.values.map(formatNumber).join(", ")}]\``;
    case "label":
      return `the label \`${value.name}\``;
    case "measure":
      return `the ${value.declaration.polarity} \`${value.declaration.name.text}\``;
    default:
      return `the ${value.kind} \`${value.declaration.name.text}\``;
  }
}

const typeNouns: Readonly<Record<string, string>> = {
  real: "a number",
  int: "a whole number",
  bool: "`true` or `false`",
  angle: "an angle",
  text: "a text in quotes",
  size: "a size like `128x128`",
  distance: "a distance",
  similarity: "a similarity",
  loss: "a loss",
  miner: "a miner",
  label: "the name of a label of the data set",
  metric: "a metric",
  steps: "a number of steps",
  epochs: "a number of epochs",
  classes: "a number of classes",
  samples: "a number of samples",
  multiplier: "a multiplier like `1x`",
};

/** "a whole number", "an angle", "one of `running_mean` and `none`". */
export function describeType(type: TypeExpression): string {
  if (type.axes !== undefined && type.axes.length === 0)
    return type.name.text === "int" ? "a list of whole numbers" : "a list of numbers";
  if (type.name.text === "word") return `one of ${type.words.map((word) => `\`${word.text}\``).join(", ")}`;
  return typeNouns[type.name.text] ?? `a value of type \`${type.name.text}\``;
}

/** A type as it was declared, on one line. */
export function writeType(type: TypeExpression): string {
  return oneLine(textOf(type.span));
}

/** Source text on one line, comments left out. */
export function oneLine(text: string): string {
  return text
    .replace(/\/\/[^\n]*/g, "")
    .replace(/\s+/g, " ")
    .trim();
}

/** The types that parameters of declarations in a spec may have. */
export const parameterTypes: readonly string[] = [
  "real",
  "int",
  "bool",
  "angle",
  "distance",
  "similarity",
  "loss",
  "miner",
  "label",
  "word",
  "text",
  "size",
];
