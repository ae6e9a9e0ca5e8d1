/**
 * How tokens, and the places the grammar expects them in, are named to people. Used by `syntax_errors.ts`. Pure.
 */
import type { IToken } from "chevrotain";
import { vocabulary } from "../../grammar/tokens.ts";

/** Where an error lies, by the rule that was being parsed; rules that would say nothing are left out. */
export const ruleNames: Readonly<Record<string, string>> = {
  import: "an import",
  dataset: "a dataset",
  model: "a model",
  loss: "the header of a loss",
  measure: "a distance or similarity",
  miner: "the header of a miner",
  backbone: "the header of a backbone",
  primitive: "a primitive",
  parameters: "a list of parameters",
  parameter: "a parameter",
  type: "a type",
  refinement: "the bounds of a type",
  let: "a let",
  param: "a param",
  state: "a state",
  block: "a block of settings",
  arguments: "the arguments of a call",
  list: "a list",
  bindings: "the indices of a reduction",
  binding: "the indices of a reduction",
  index: "an index",
  callReduction: "a reduction",
  repeat: "a repeat",
  residual: "a residual",
};

export const missingBodyForms: Readonly<Record<string, string>> = {
  model: "model NAME { settings }",
  loss: "loss NAME(parameters) { statements, then one expression }",
  miner: "miner NAME(parameters) for (a, p, n) { lets, then a condition or assignments }",
  backbone: "backbone NAME(parameters): image[h, w, c] -> image[_, _, width] { pipeline }",
};

const classes: Readonly<Record<string, string>> = {
  Identifier: "a name",
  PlainNumber: "a number",
  ScaledNumber: "a number",
  Text: "a string",
  Size: "a size",
  LineEnd: "the end of the line",
  EOF: "the end of the file",
  BinaryOperator: "an operator",
  ArithmeticOperator: "an operator",
  OrderOperator: "a bound",
  PrefixReduction: "a reduction",
  CallReduction: "a reduction",
};

const images = new Map(
  vocabulary.map((type) => [
    type.name,
    type.PATTERN instanceof RegExp ? type.PATTERN.source : String(type.PATTERN ?? type.name),
  ]),
);

/** A token as it is named to people: its text in quotes, or what it is. */
export function describeToken(token: IToken): string {
  if (token.tokenType.name === "EOF") return "the end of the file";
  if (token.tokenType.name === "LineEnd") return "the end of the line";
  if (token.tokenType.name === "Text") return `the string ${shortened(token.image)}`;
  if (token.image === "") return `"${images.get(token.tokenType.name) ?? ""}"`;
  return `"${shortened(token.image)}"`;
}

function shortened(text: string): string {
  return text.length > 30 ? `${text.slice(0, 29)}…` : text;
}

/** Rules whose items are separated by commas: where the closing bracket is expected, so is a comma. */
const separated = new Set([
  "parameters",
  "arguments",
  "list",
  "index",
  "bindings",
  "callReduction",
  "names",
  "import",
]);

const items: Readonly<Record<string, string>> = {
  parameters: "a parameter",
  arguments: "an argument",
  list: "a value",
  type: "an axis",
};

/** What could have stood at a place, as a phrase; undefined where it is any expression. */
export function describeExpected(
  rule: string,
  expected: readonly string[],
  previous: IToken | undefined,
): string | undefined {
  const names = expected.map((name) => classes[name] ?? `"${images.get(name) ?? name}"`);
  const closes = expected.some((name) => name === "RightParen" || name === "RightBracket");
  const afterItem =
    previous !== undefined && !["LeftParen", "LeftBracket", "Comma"].includes(previous.tokenType.name);
  if (separated.has(rule) && closes && afterItem) names.unshift('","');
  const item = items[rule];
  if (closes && !afterItem && item !== undefined) names.unshift(item);
  if (rule === "block" && expected.includes("RightBrace")) names.unshift("a setting");
  const distinct = [...new Set(names)];
  if (distinct.length > 4) return undefined;
  return distinct.length === 1 ? distinct[0]! : `${distinct.slice(0, -1).join(", ")} or ${distinct.at(-1)!}`;
}
