/**
 * The canonical one-line text of an expression, for messages, hovers and the headers of emitted programs. Parsing it
 * gives the same tree again (spans aside). Pure. Its recursion is bounded by the depth that the parser admits.
 */
import type { Argument, Block, Entry, Expression, IndexBinding, PrefixReductionOperator } from "./ast.ts";
import { binaryPower, callReductions, prefixPower, reductionPower } from "./operators.ts";

const callForms: ReadonlySet<string> = new Set(callReductions);

/** `printExpression(e)`: what a person would write on one line; `?` stands for a missing expression. */
export function printExpression(expression: Expression): string {
  return print(expression);
}

function print(expression: Expression): string {
  switch (expression.kind) {
    case "Number":
      return printNumber(expression.value, expression.unit, expression.integer);
    case "Bool":
      return String(expression.value);
    case "String":
      return quote(expression.value);
    case "Size":
      return `${expression.width}x${expression.height}`;
    case "Name":
      return expression.text;
    case "Hole":
      return "_";
    case "Missing":
      return "?";
    case "List":
      return `[${expression.items.map(print).join(", ")}]`;
    case "Range":
      return `${print(expression.from)}..${print(expression.to)}`;
    case "Unary":
      return expression.op === "-"
        ? `-${inPrefix(expression.operand, prefixPower["-"])}`
        : `not ${inPrefix(expression.operand, prefixPower.not)}`;
    case "Binary":
      return printBinary(expression.op, expression.left, expression.right);
    case "If":
      return `if ${print(expression.condition)} then ${print(expression.then)} else ${inPrefix(expression.else, prefixPower.if)}`;
    case "Call": {
      const given = expression.parenthesised ? `(${expression.arguments.map(printArgument).join(", ")})` : "";
      const block = expression.block === undefined ? "" : ` ${printBlock(expression.block)}`;
      return `${expression.callee.text}${given}${block}`;
    }
    case "Index":
      return `${printTarget(expression.target)}[${expression.indices.map(print).join(", ")}]`;
    case "Reduction":
      return printReduction(expression);
    case "Pipeline":
      return expression.stages.map((stage, at) => printStage(stage, at)).join(" |> ");
    case "Repeat":
      return `repeat ${print(expression.count)} { ${print(expression.body)} }`;
    case "Residual":
      return `residual { ${print(expression.body)} }`;
    case "Shared":
      return `shared ${print(expression.pipeline)}`;
  }
}

const wordUnits: Readonly<Record<string, string>> = {
  class: "classes",
  sample: "samples",
  step: "steps",
  epoch: "epochs",
};

function printNumber(value: number, unit: string | undefined, integer: boolean): string {
  const digits = integer && Number.isSafeInteger(value) ? String(value) : printReal(value, integer);
  if (unit === undefined) return digits;
  const word = wordUnits[unit];
  if (word === undefined) return `${digits}${unit}`;
  return `${digits} ${value === 1 && integer ? unit : word}`;
}

/** Shortest digits that give the same number, as the language writes numbers. */
function printReal(value: number, integer: boolean): string {
  if (integer) return BigInt(value).toString();
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function quote(value: string): string {
  const escaped = value.replace(
    /["\\\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (letter) => {
      if (letter === '"' || letter === "\\") return `\\${letter}`;
      if (letter === "\n") return "\\n";
      if (letter === "\t") return "\\t";
      if (letter === "\r") return "\\r";
      return `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
    },
  );
  return `"${escaped}"`;
}

// ── Operators ───────────────────────────────────────────────────────────────────────────────────────────────────

/** How tightly an expression holds together: the left power of its loosest operator outside brackets. */
function power(expression: Expression): number {
  switch (expression.kind) {
    case "Shared":
      return 0;
    case "Pipeline":
      return binaryPower["|>"][0];
    case "Binary":
      return binaryPower[expression.op][0];
    case "If":
      return prefixPower.if;
    default:
      return Infinity;
  }
}

/** The loosest prefix that stands open at the right end of an expression and would take what follows. */
function openEnd(expression: Expression): number {
  let loosest = Infinity;
  let at: Expression | undefined = expression;
  while (at !== undefined) {
    if (at.kind === "Unary") {
      loosest = Math.min(loosest, prefixPower[at.op]);
      at = parenthesised(at.operand, prefixPower[at.op]) ? undefined : at.operand;
    } else if (at.kind === "If") {
      loosest = Math.min(loosest, prefixPower.if);
      at = at.else;
    } else if (at.kind === "Reduction" && !callForms.has(at.op)) {
      const own = reductionPower(at.op as PrefixReductionOperator);
      loosest = Math.min(loosest, own);
      const body: Expression | undefined = at.bodies[0];
      at = body === undefined || parenthesised(body, own) ? undefined : body;
    } else if (at.kind === "Binary") {
      at = rightParenthesised(at.op, at.right) ? undefined : at.right;
    } else at = undefined;
  }
  return loosest;
}

/** Whether the operand of a prefix of this power needs parentheses. */
function parenthesised(operand: Expression, own: number): boolean {
  if (operand.kind === "If") return own !== prefixPower.if;
  if (operand.kind === "Unary" && operand.op === "not") return own > prefixPower.comparison;
  return power(operand) < own;
}

function inPrefix(operand: Expression, own: number): string {
  return wrapped(operand, parenthesised(operand, own));
}

function wrapped(expression: Expression, parentheses: boolean): string {
  return parentheses ? `(${print(expression)})` : print(expression);
}

function leftParenthesised(op: keyof typeof binaryPower, left: Expression): boolean {
  const [own] = binaryPower[op];
  const right = binaryPower[op][1];
  const ties = right < own || own === prefixPower.comparison;
  return power(left) < own || (ties && power(left) === own) || openEnd(left) <= own;
}

function rightParenthesised(op: keyof typeof binaryPower, right: Expression): boolean {
  if (right.kind === "If") return true;
  if (right.kind === "Unary" && right.op === "not") return binaryPower[op][1] > prefixPower.comparison;
  return power(right) < binaryPower[op][1];
}

function printBinary(op: keyof typeof binaryPower, left: Expression, right: Expression): string {
  const sign = op === "^" ? "^" : ` ${op} `;
  return wrapped(left, leftParenthesised(op, left)) + sign + wrapped(right, rightParenthesised(op, right));
}

function printStage(stage: Expression, at: number): string {
  const open = at === 0 ? leftParenthesised("|>", stage) : rightParenthesised("|>", stage);
  return wrapped(stage, open);
}

// ── Calls, reductions, settings ─────────────────────────────────────────────────────────────────────────────────

/**
 * Only names, calls, indices, lists, literals and call reductions take an index without parentheses; a number with a unit
 * does not, since 2x[i] would be read as a product of 2 and x[i].
 */
function printTarget(target: Expression): string {
  const operator = target.kind === "Unary" || (target.kind === "Reduction" && !callForms.has(target.op));
  const scaled = target.kind === "Number" && target.unit !== undefined;
  return wrapped(target, operator || scaled || power(target) < Infinity);
}

function printArgument(argument: Argument): string {
  const value = print(argument.value);
  return argument.name === undefined ? value : `${argument.name.text}: ${value}`;
}

function printBinding(binding: IndexBinding): string {
  return binding.domain === undefined
    ? binding.name.text
    : `${binding.name.text} in ${print(binding.domain)}`;
}

function printReduction(reduction: Extract<Expression, { kind: "Reduction" }>): string {
  const guards = reduction.guards.length === 0 ? "" : ` | ${reduction.guards.map(print).join(", ")}`;
  const head = `${reduction.op}[${reduction.indices.map(printBinding).join(", ")}${guards}]`;
  if (callForms.has(reduction.op)) return `${head}(${reduction.bodies.map(print).join(", ")})`;
  const own = reductionPower(reduction.op as PrefixReductionOperator);
  return `${head} ${reduction.bodies.map((body) => inPrefix(body, own)).join(", ")}`;
}

function printBlock(block: Block): string {
  return block.entries.length === 0 ? "{}" : `{ ${block.entries.map(printEntry).join(", ")} }`;
}

function printEntry(entry: Entry): string {
  const parts = [entry.value === undefined ? entry.name.text : `${entry.name.text}: ${print(entry.value)}`];
  if (entry.block !== undefined) parts.push(printBlock(entry.block));
  if (entry.label !== undefined) parts.push(`by ${print(entry.label)}`);
  if (entry.miner !== undefined) parts.push(`on ${print(entry.miner)}`);
  if (entry.memory !== undefined) parts.push(`against ${print(entry.memory)}`);
  if (entry.head !== undefined) parts.push(`with ${print(entry.head)}`);
  return parts.join(" ");
}
