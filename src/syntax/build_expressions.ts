/**
 * Expressions and settings blocks: concrete tree to syntax tree. Total: whatever recovery left out is a `Missing`.
 * Called by the builders of declarations.
 */
import type { CstNode, IToken } from "chevrotain";
import * as codes from "../diagnostics/codes/syntax.ts";
import { join } from "../source/source.ts";
import type {
  Argument,
  BinaryOperator,
  Block,
  Call,
  CallReductionOperator,
  Entry,
  Expression,
  IndexBinding,
  PrefixReductionOperator,
} from "./ast.ts";
import { checkLossNames, isClause, withoutClauses } from "./clauses.ts";
import { literal, numberLiteral } from "./build_literals.ts";
import {
  emptySpan,
  identifier,
  missing,
  node,
  nodes,
  nodeSpan,
  sized,
  token,
  tokens,
  tokenSpan,
  type Building,
} from "./cst.ts";
import { arrange, type Item, type Operand, type Prefix } from "./operators.ts";

/** The expression of an `expression` (or `bound`) node; `Missing` at `fallback` where there is none. */
export function expression(building: Building, cst: CstNode | undefined, fallback: number): Expression {
  if (cst === undefined) return missing(building, fallback);
  const place = nodeSpan(building, cst, fallback);
  const items: Item[] = [];
  let end = place.start;
  for (const condition of nodes(cst, "condition")) {
    items.push(conditionPrefix(building, condition, end));
    end = nodeSpan(building, condition, end).end;
  }
  const operands = nodes(cst, "operand");
  const operators = [...tokens(cst, "BinaryOperator"), ...tokens(cst, "ArithmeticOperator")];
  for (let position = 0; position <= operators.length; position++) {
    const operator = operators[position - 1];
    if (operator !== undefined) {
      items.push({ kind: "Infix", op: operatorOf(operator), place: tokenSpan(building, operator) });
      end = operator.startOffset + operator.image.length;
    }
    const operand = operands[position];
    if (operand === undefined) items.push(absentOperand(building, end));
    else pushOperand(building, items, operand, end);
    end = nodeSpan(building, operand, end).end;
  }
  const whole = arrange(building, items);
  const shared = token(cst, "Shared");
  if (shared === undefined) return whole;
  const outer = join(tokenSpan(building, shared), whole.span);
  return sized(building, { kind: "Shared", span: outer, pipeline: whole }, [whole]);
}

/** By the token's type: a `*` that a repair put in has no text. */
function operatorOf(token: IToken): BinaryOperator | "|>" {
  const { PATTERN } = token.tokenType;
  return (PATTERN instanceof RegExp ? PATTERN.source : String(PATTERN)) as BinaryOperator | "|>";
}

function absentOperand(building: Building, offset: number): Item {
  const expression = missing(building, offset);
  return { kind: "Operand", expression, outer: expression.span, parenthesised: false };
}

function conditionPrefix(building: Building, cst: CstNode, fallback: number): Prefix {
  const place = nodeSpan(building, cst, fallback);
  const condition = expression(building, node(cst, "expression", 0), place.end);
  const then = expression(building, node(cst, "expression", 1), place.end);
  return { kind: "If", place, condition, then };
}

function pushOperand(building: Building, items: Item[], cst: CstNode, fallback: number): void {
  const reduced = nodes(cst, "bindings");
  const prefixes = [...tokens(cst, "Minus"), ...tokens(cst, "Not"), ...tokens(cst, "PrefixReduction")];
  for (const prefix of prefixes.sort((a, b) => a.startOffset - b.startOffset)) {
    const place = tokenSpan(building, prefix);
    if (prefix.image === "-" || prefix.image === "not")
      items.push({ kind: "Unary", place, op: prefix.image });
    else {
      const op = prefix.image as PrefixReductionOperator;
      items.push({ kind: "Reduction", place, op, ...bindings(building, reduced.shift(), place.end) });
    }
  }
  items.push({ kind: "Operand", ...operand(building, cst, fallback) });
}

function operand(building: Building, cst: CstNode, fallback: number): Operand {
  let inner = primary(building, cst, nodeSpan(building, cst, fallback).end);
  for (const index of nodes(cst, "index")) {
    const place = nodeSpan(building, index, inner.outer.end);
    const indices = list(building, index);
    const outer = join(inner.outer, place);
    const indexed = sized(building, { kind: "Index", span: outer, target: inner.expression, indices }, [
      inner.expression,
      ...indices,
    ]);
    inner = { expression: indexed, outer, parenthesised: false };
  }
  return inner;
}

function plain(expression: Expression): Operand {
  return { expression, outer: expression.span, parenthesised: false };
}

function primary(building: Building, cst: CstNode, fallback: number): Operand {
  const open = token(cst, "LeftParen");
  if (open !== undefined) {
    const start = tokenSpan(building, open);
    const inner = expression(building, node(cst, "expression"), start.end);
    const close = token(cst, "RightParen");
    const end = close === undefined ? inner.span : tokenSpan(building, close);
    return { expression: inner, outer: join(start, join(inner.span, end)), parenthesised: true };
  }
  const literalNode = node(cst, "literal");
  if (literalNode !== undefined) return plain(literal(building, literalNode, fallback));
  if (token(cst, "Identifier", "Max", "Min") !== undefined) return plain(call(building, cst, fallback));
  const listNode = node(cst, "list");
  if (listNode !== undefined) {
    const items = list(building, listNode);
    return plain(
      sized(building, { kind: "List", span: nodeSpan(building, listNode, fallback), items }, items),
    );
  }
  const reductionNode = node(cst, "callReduction");
  if (reductionNode !== undefined) return plain(callReduction(building, reductionNode, fallback));
  const repeatNode = node(cst, "repeat");
  if (repeatNode !== undefined) return plain(repeat(building, repeatNode, fallback));
  const residualNode = node(cst, "residual");
  if (residualNode !== undefined) {
    const place = nodeSpan(building, residualNode, fallback);
    const body = expression(building, node(residualNode, "expression"), place.end);
    return plain(sized(building, { kind: "Residual", span: place, body }, [body]));
  }
  return plain(missing(building, fallback));
}

/** The expressions directly inside a node, in order. */
function list(building: Building, cst: CstNode): Expression[] {
  const end = nodeSpan(building, cst, 0).end;
  return nodes(cst, "expression").map((item) => expression(building, item, end));
}

function repeat(building: Building, cst: CstNode, fallback: number): Expression {
  const place = nodeSpan(building, cst, fallback);
  const number = token(cst, "PlainNumber");
  const name = token(cst, "Identifier");
  const count =
    number !== undefined
      ? numberLiteral(building, number, undefined)
      : name !== undefined
        ? ({ kind: "Name", span: tokenSpan(building, name), text: name.image } as const)
        : missing(building, place.end);
  const body = expression(building, node(cst, "expression"), place.end);
  return sized(building, { kind: "Repeat", span: place, count, body }, [count, body]);
}

// ── Calls and reductions ────────────────────────────────────────────────────────────────────────────────────────

/** The call in an `operand` or `plainCall`; a bare name without arguments and block is a `Name`. */
export function call(building: Building, cst: CstNode, fallback: number): Expression {
  const word = token(cst, "Identifier", "Max", "Min");
  if (word === undefined) return missing(building, fallback);
  const parentheses = node(cst, "arguments");
  const blockNode = node(cst, "block");
  if (parentheses === undefined && blockNode === undefined)
    return { kind: "Name", span: tokenSpan(building, word), text: word.image };
  const name = tokenSpan(building, word);
  const last = nodeSpan(building, blockNode ?? parentheses, name.end);
  const made: Call = {
    kind: "Call",
    span: join(name, last),
    callee: identifier(building, word, fallback),
    arguments: parentheses === undefined ? [] : callArguments(building, parentheses, name.end),
    parenthesised: parentheses !== undefined,
    ...(blockNode === undefined ? {} : { block: block(building, blockNode, name.end) }),
  };
  return sized(building, made, [...made.arguments.map(({ value }) => value), ...valuesOf(made.block)]);
}

/** The expressions of a block, nested blocks included, for the measure of depth. */
function valuesOf(given: Block | undefined): Expression[] {
  return (given?.entries ?? []).flatMap((entry) =>
    [entry.value, entry.miner, entry.memory, entry.head, ...valuesOf(entry.block)].filter(
      (value) => value !== undefined,
    ),
  );
}

/** The arguments between parentheses; a name belongs to the first expression after it. */
function callArguments(building: Building, cst: CstNode, fallback: number): Argument[] {
  const names = tokens(cst, "Identifier");
  const made: Argument[] = [];
  for (const value of nodes(cst, "expression")) {
    const place = nodeSpan(building, value, fallback);
    const inner = expression(building, value, place.end);
    let name: IToken | undefined;
    while (names[0] !== undefined && names[0].startOffset < place.start) name = names.shift();
    if (name === undefined) made.push({ kind: "Argument", span: place, value: inner });
    else {
      const label = identifier(building, name, place.start);
      made.push({ kind: "Argument", span: join(label.span, place), name: label, value: inner });
    }
  }
  return made;
}

function callReduction(building: Building, cst: CstNode, fallback: number): Expression {
  const op = token(cst, "CallReduction");
  if (op === undefined) return missing(building, fallback);
  const place = nodeSpan(building, cst, fallback);
  const bound = bindings(building, node(cst, "bindings"), place.end);
  const bodies = list(building, cst);
  return sized(
    building,
    {
      kind: "Reduction",
      span: place,
      op: op.image as CallReductionOperator,
      opSpan: tokenSpan(building, op),
      ...bound,
      bodies,
    },
    [...bound.guards, ...bodies],
  );
}

function bindings(
  building: Building,
  cst: CstNode | undefined,
  fallback: number,
): { indices: IndexBinding[]; guards: Expression[] } {
  if (cst === undefined) return { indices: [], guards: [] };
  const end = nodeSpan(building, cst, fallback).end;
  const indices = nodes(cst, "binding").map((bound) => binding(building, bound, end));
  return { indices, guards: list(building, cst) };
}

export function binding(building: Building, cst: CstNode, fallback: number): IndexBinding {
  const place = nodeSpan(building, cst, fallback);
  const name = identifier(building, token(cst, "Identifier"), place.start);
  if (token(cst, "In") === undefined) return { kind: "IndexBinding", span: place, name };
  const from = expression(building, node(cst, "expression", 0), place.end);
  if (token(cst, "DotDot") === undefined) return { kind: "IndexBinding", span: place, name, domain: from };
  const to = expression(building, node(cst, "expression", 1), place.end);
  const domain = sized(building, { kind: "Range", span: join(from.span, to.span), from, to } as const, [
    from,
    to,
  ]);
  return { kind: "IndexBinding", span: place, name, domain };
}

// ── Settings ────────────────────────────────────────────────────────────────────────────────────────────────────

export function block(building: Building, cst: CstNode | undefined, fallback: number): Block {
  if (cst === undefined) return { kind: "Block", span: emptySpan(building, fallback), entries: [] };
  const place = nodeSpan(building, cst, fallback);
  const entries = nodes(cst, "entry").map((one) => entry(building, one, place.end));
  return { kind: "Block", span: place, entries: withoutClauses(entries) };
}

function entry(building: Building, cst: CstNode, fallback: number): Entry {
  const place = nodeSpan(building, cst, fallback);
  const values = nodes(cst, "expression");
  let next = 0;
  const after = (sign: string): Expression | undefined => {
    const found = token(cst, sign);
    if (found === undefined) return undefined;
    return expression(building, values[next++], found.startOffset + found.image.length);
  };
  const parts = {
    value: after("Colon"),
    label: after("By"),
    miner: after("On"),
    memory: after("Against"),
    head: after("With"),
  };
  const blockNode = node(cst, "block");
  const word = token(cst, "Identifier");
  const inner = blockNode === undefined ? undefined : block(building, blockNode, place.end);
  if (word?.image === "losses" && inner !== undefined) checkLossNames(building, inner);
  const built: Entry = {
    kind: "Entry",
    span: place,
    name: identifier(building, word, place.start),
    ...(parts.value === undefined ? {} : { value: parts.value }),
    ...(inner === undefined ? {} : { block: inner }),
    ...(parts.label === undefined ? {} : { label: parts.label }),
    ...(parts.miner === undefined ? {} : { miner: parts.miner }),
    ...(parts.memory === undefined ? {} : { memory: parts.memory }),
    ...(parts.head === undefined ? {} : { head: parts.head }),
  };
  if (isClause(built))
    building.reportUndisturbed(codes.clauseOrder, built.name.span, { clause: built.name.text });
  return built;
}
