/**
 * Precedence: makes a tree of the flat operands and operators of one expression, by two stacks and no recursion, so that
 * the length of a chain is bounded by a diagnostic and not by the call stack. The table of binding powers is the
 * language's table of precedence; `print.ts` uses it too.
 */
import * as codes from "../diagnostics/codes/syntax.ts";
import * as text from "../diagnostics/codes/text.ts";
import { join, type Span } from "../source/source.ts";
import type {
  BinaryOperator,
  CallReductionOperator,
  Expression,
  IndexBinding,
  PrefixReductionOperator,
} from "./ast.ts";
import { depthOf, missing, sized, type Building } from "./cst.ts";

/** The deepest tree an expression may be. */
export const depthLimit = 1000;

/** Binding power on the left and right of each binary operator; the larger binds tighter. */
export const binaryPower: Readonly<Record<BinaryOperator | "|>", readonly [left: number, right: number]>> = {
  "|>": [5, 6],
  or: [20, 21],
  and: [30, 31],
  "==": [50, 51],
  "!=": [50, 51],
  "<": [50, 51],
  "<=": [50, 51],
  ">": [50, 51],
  ">=": [50, 51],
  "+": [60, 61],
  "-": [60, 61],
  "*": [70, 71],
  "/": [70, 71],
  "^": [90, 89],
};

/** The words of the prefix form: a body to their right. */
export const prefixReductions: readonly PrefixReductionOperator[] = [
  "sum",
  "mean",
  "mean_active",
  "max",
  "min",
  "logsumexp",
  "argmax",
  "argmin",
  "sample",
  "any",
  "all",
  "count",
];

/** The words of the call form: bodies between parentheses. */
export const callReductions: readonly CallReductionOperator[] = [
  "softmax",
  "log_softmax",
  "variance",
  "sample_variance",
  "cross_entropy",
  "solve",
  "kmeans",
];

/** How tightly each prefix holds what stands to its right. */
export const prefixPower = { if: 10, not: 40, comparison: 50, product: 70, "-": 80 } as const;

/** `any all count` take a comparison, the other prefix reductions a product. */
export function reductionPower(op: PrefixReductionOperator): number {
  return op === "any" || op === "all" || op === "count" ? prefixPower.comparison : prefixPower.product;
}

export function isComparison(op: string): boolean {
  return op === "==" || op === "!=" || op === "<" || op === "<=" || op === ">" || op === ">=";
}

/** An operand with the characters it takes, its parentheses included. */
export interface Operand {
  readonly expression: Expression;
  readonly outer: Span;
  readonly parenthesised: boolean;
}

export type Prefix =
  | { readonly kind: "If"; readonly place: Span; readonly condition: Expression; readonly then: Expression }
  | { readonly kind: "Unary"; readonly place: Span; readonly op: "-" | "not" }
  | {
      readonly kind: "Reduction";
      readonly place: Span;
      readonly op: PrefixReductionOperator;
      readonly indices: readonly IndexBinding[];
      readonly guards: readonly Expression[];
    };

export interface Infix {
  readonly kind: "Infix";
  readonly op: BinaryOperator | "|>";
  readonly place: Span;
}

/** An expression in the order of its text: prefixes, an operand, then infix, prefixes, operand, again and again. */
export type Item = Prefix | Infix | ({ readonly kind: "Operand" } & Operand);

type Pending = Prefix | Infix;

function rightPower(operator: Pending): number {
  if (operator.kind === "Infix") return binaryPower[operator.op][1];
  if (operator.kind === "If") return prefixPower.if;
  if (operator.kind === "Unary") return prefixPower[operator.op];
  return reductionPower(operator.op);
}

/** The tree of a flat expression; `Missing`, with a diagnostic, where it would be deeper than the limit. */
export function arrange(building: Building, items: readonly Item[]): Expression {
  return new Arranger(building).arrange(items);
}

class Arranger {
  private readonly building: Building;
  private readonly operands: Operand[] = [];
  private readonly operators: Pending[] = [];
  private tooDeep = false;

  constructor(building: Building) {
    this.building = building;
  }

  arrange(items: readonly Item[]): Expression {
    for (const item of items) {
      if (this.tooDeep) break;
      if (item.kind === "Operand") this.operands.push(item);
      else if (item.kind === "Infix") this.takeInfix(item);
      else this.takePrefix(item);
    }
    while (!this.tooDeep && this.operators.length > 0) this.reduce();
    const start = this.operands[0]?.outer.start ?? 0;
    if (this.tooDeep) return missing(this.building, start);
    return this.operands[0]?.expression ?? missing(this.building, start);
  }

  private takePrefix(prefix: Prefix): void {
    const top = this.operators.at(-1);
    if (prefix.kind === "Unary" && prefix.op === "not" && top !== undefined) {
      const tight = rightPower(top) > prefixPower.comparison;
      if (tight) {
        const operator = top.kind === "If" ? "if" : top.op;
        this.building.diagnostics.report(codes.notInOperator, prefix.place, { operator });
      }
    }
    this.operators.push(prefix);
  }

  private takeInfix(infix: Infix): void {
    const [left] = binaryPower[infix.op];
    while (!this.tooDeep && this.operators.length > 0 && rightPower(this.operators.at(-1)!) > left)
      this.reduce();
    const before = this.operands.at(-1);
    if (isComparison(infix.op) && before !== undefined && !before.parenthesised) {
      const compared = before.expression;
      if (compared.kind === "Binary" && isComparison(compared.op)) {
        const related = [{ span: compared.span, label: "the first comparison" }];
        const operators = { first: compared.op, second: infix.op };
        this.building.diagnostics.report(codes.chainedComparison, infix.place, operators, { related });
        this.replaceTop(missing(this.building, before.outer.end), before.outer);
      }
    }
    this.operators.push(infix);
  }

  private replaceTop(expression: Expression, outer: Span): void {
    this.operands.pop();
    this.operands.push({ expression, outer, parenthesised: false });
  }

  /** Applies the operator on top of its stack to the operands on top of theirs. */
  private reduce(): void {
    const operator = this.operators.pop()!;
    const right = this.operands.pop();
    if (right === undefined) return;
    if (operator.kind !== "Infix") {
      const outer = join(operator.place, right.outer);
      this.push(prefixed(operator, right.expression, outer), partsOf(operator, right.expression), outer);
      return;
    }
    const left = this.operands.pop();
    if (left === undefined) {
      this.operands.push(right);
      return;
    }
    const outer = join(left.outer, right.outer);
    if (operator.op === "|>") this.pushPipeline(left, right, outer);
    else {
      const parts = [left.expression, right.expression];
      this.push(
        { kind: "Binary", span: outer, op: operator.op, left: left.expression, right: right.expression },
        parts,
        outer,
      );
    }
  }

  private pushPipeline(left: Operand, right: Operand, outer: Span): void {
    const before = left.expression;
    const flat = before.kind === "Pipeline" && !left.parenthesised;
    const stages = flat ? [...before.stages, right.expression] : [before, right.expression];
    if (stages.length > depthLimit) this.refuse(outer);
    this.push({ kind: "Pipeline", span: outer, stages }, stages, outer);
  }

  private push(expression: Expression, parts: readonly Expression[], outer: Span): void {
    sized(this.building, expression, parts);
    if (depthOf(this.building, expression) > depthLimit) this.refuse(outer);
    this.operands.push({ expression, outer, parenthesised: false });
  }

  private refuse(outer: Span): void {
    this.tooDeep = true;
    this.building.diagnostics.report(text.expressionTooDeep, outer, { limit: depthLimit });
  }
}

function partsOf(prefix: Prefix, operand: Expression): Expression[] {
  if (prefix.kind === "If") return [prefix.condition, prefix.then, operand];
  if (prefix.kind === "Unary") return [operand];
  return [...prefix.guards, operand];
}

function prefixed(prefix: Prefix, operand: Expression, outer: Span): Expression {
  if (prefix.kind === "If")
    return { kind: "If", span: outer, condition: prefix.condition, then: prefix.then, else: operand };
  if (prefix.kind === "Unary") return { kind: "Unary", span: outer, op: prefix.op, operand };
  return {
    kind: "Reduction",
    span: outer,
    op: prefix.op,
    opSpan: prefix.place,
    indices: prefix.indices,
    guards: prefix.guards,
    bodies: [operand],
  };
}
