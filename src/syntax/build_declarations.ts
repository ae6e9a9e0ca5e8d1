/**
 * Declarations, parameters, types and statements: concrete tree to syntax tree. Total over recovered trees, and the
 * place where rules are checked that the grammar leaves open for the sake of better messages (a parameter without a
 * type, an assignment in a loss). Called by `cst_to_ast.ts`.
 */
import type { CstNode, IToken } from "chevrotain";
import * as codes from "../diagnostics/codes/syntax.ts";
import { closest } from "../diagnostics/did_you_mean.ts";
import { span } from "../source/source.ts";
import type {
  Declaration,
  Expression,
  Identifier,
  LossDeclaration,
  MeasureDeclaration,
  MinerDeclaration,
  Parameter,
  PrimitiveDeclaration,
  PrimitiveKind,
  Refinement,
  Statement,
  TypeExpression,
} from "./ast.ts";
import { walk, type Node } from "./traverse.ts";
import { block, call, expression } from "./build_expressions.ts";
import {
  emptySpan,
  identifier,
  names,
  node,
  nodes,
  nodeSpan,
  token,
  tokenSpan,
  type Building,
} from "./cst.ts";

export const primitiveKinds: readonly PrimitiveKind[] = [
  "function",
  "initializer",
  "layer",
  "source",
  "split",
  "transform",
  "image",
  "strategy",
  "memory",
  "optimizer",
  "schedule",
  "selection",
  "metric",
  "compression",
];

type Head = Pick<LossDeclaration, "span" | "name" | "doc">;

/** The syntax tree of a `declaration` node; undefined when recovery left nothing to name or its role is unknown. */
export function declaration(building: Building, cst: CstNode): Declaration | undefined {
  const kinds = ["dataset", "model", "loss", "measure", "miner", "backbone", "primitive"] as const;
  for (const kind of kinds) {
    const inner = node(cst, kind);
    if (inner === undefined) continue;
    const made = makers[kind](building, inner, head(building, inner));
    return made;
  }
  return undefined;
}

function head(building: Building, cst: CstNode): Head {
  const place = nodeSpan(building, cst, 0);
  const first = firstToken(cst);
  const doc = first?.startLine === undefined ? undefined : building.docAbove(first.startLine);
  const word = cst.name === "primitive" ? primitiveName(cst) : token(cst, "Identifier");
  const after = first === undefined ? place.start : first.startOffset + first.image.length;
  const name = identifier(building, word, after);
  return { span: place, name, ...(doc === undefined ? {} : { doc }) };
}

function primitiveName(cst: CstNode): IToken | undefined {
  const words = (cst.children["Identifier"] ?? []).filter((word): word is IToken => "image" in word);
  return token(cst, "Max", "Min") ?? words.filter((word) => word.isInsertedInRecovery !== true)[1];
}

function firstToken(cst: CstNode): IToken | undefined {
  return token(cst, "Dataset", "Model", "Loss", "Distance", "Similarity", "Miner", "Backbone", "Primitive");
}

const makers: Readonly<
  Record<
    "dataset" | "model" | "loss" | "measure" | "miner" | "backbone" | "primitive",
    (building: Building, cst: CstNode, head: Head) => Declaration | undefined
  >
> = {
  dataset: (building, cst, head) => {
    const source = node(cst, "plainCall");
    const settings = node(cst, "block");
    return {
      kind: "Dataset",
      ...head,
      source:
        source === undefined
          ? { kind: "Missing", span: emptySpan(building, head.span.end) }
          : call(building, source, head.span.end),
      ...(settings === undefined ? {} : { settings: block(building, settings, head.span.end) }),
    };
  },
  model: (building, cst, head) => ({
    kind: "Model",
    ...head,
    settings: block(building, node(cst, "block"), head.span.end),
  }),
  loss,
  measure,
  miner,
  backbone: (building, cst, head) => {
    const [input, output] = nodes(cst, "type");
    return {
      kind: "Backbone",
      ...head,
      parameters: parameters(building, node(cst, "parameters")),
      ...(input === undefined ? {} : { input: type(building, input) }),
      ...(output === undefined ? {} : { output: type(building, output) }),
      body: expression(building, node(cst, "expression"), head.span.end),
    };
  },
  primitive,
};

function loss(building: Building, cst: CstNode, head: Head): LossDeclaration {
  const result = node(cst, "type");
  const views = node(cst, "names");
  const made = statements(building, cst);
  for (const statement of made) {
    if (statement.kind !== "Assignment") continue;
    building.reportUndisturbed(codes.assignmentInLoss, statement.name.span, { name: statement.name.text });
  }
  const body = expression(building, node(cst, "expression"), bodyEnd(cst, head));
  formulas(building, [...made, body]);
  return {
    kind: "Loss",
    ...head,
    parameters: parameters(building, node(cst, "parameters")),
    ...(result === undefined ? {} : { result: type(building, result) }),
    ...(views === undefined ? {} : { views: names(building, views) }),
    assumes: nodes(cst, "plainCall").map((assumed) => call(building, assumed, head.span.end)),
    statements: made.filter((statement) => statement.kind !== "Assignment"),
    body,
  };
}

/** Reports the parts of formulas that only settings and backbones may have; blocks of calls are settings. */
function formulas(building: Building, roots: readonly (Expression | Statement)[]): void {
  const names = { Pipeline: "|>", Repeat: "repeat", Residual: "residual", Shared: "shared" } as const;
  const enter = (node: Node): boolean => {
    if (node.kind === "Block") return false;
    const misplaced = node.kind in names;
    if (misplaced) {
      const what = names[node.kind as keyof typeof names];
      building.reportUndisturbed(codes.pipelineInFormula, node.span, { what });
    }
    return !misplaced;
  };
  for (const root of roots) walk(root, { enter });
}

/** Where a body's expression would stand: before its closing brace. */
function bodyEnd(cst: CstNode, head: Head): number {
  return token(cst, "RightBrace")?.startOffset ?? head.span.end;
}

function miner(building: Building, cst: CstNode, head: Head): MinerDeclaration {
  const made = statements(building, cst);
  for (const statement of made) {
    if (statement.kind !== "Param" && statement.kind !== "State") continue;
    const word = statement.kind === "Param" ? "param" : "state";
    const place = span(building.file, statement.span.start, statement.span.start + word.length);
    building.reportUndisturbed(codes.statementInMiner, place, { statement: word });
  }
  const conditionNode = node(cst, "expression");
  const condition =
    conditionNode === undefined ? undefined : expression(building, conditionNode, bodyEnd(cst, head));
  formulas(building, condition === undefined ? made : [...made, condition]);
  return {
    kind: "Miner",
    ...head,
    parameters: parameters(building, node(cst, "parameters")),
    tuple: names(building, node(cst, "names")),
    statements: made.filter((statement) => statement.kind === "Let" || statement.kind === "Assignment"),
    ...(condition === undefined ? {} : { condition }),
  };
}

function measure(building: Building, cst: CstNode, head: Head): MeasureDeclaration {
  const polarity = token(cst, "Similarity") === undefined ? "distance" : "similarity";
  const list = node(cst, "parameters");
  const given = list === undefined ? [] : nodes(list, "parameter");
  const isOperand = (parameter: CstNode): boolean =>
    node(parameter, "type") === undefined && token(parameter, "Equals") === undefined;
  const operands = given
    .filter(isOperand)
    .map((parameter) => identifier(building, token(parameter, "Identifier"), head.span.end));
  if (list !== undefined && operands.length !== 2) {
    building.reportUndisturbed(codes.measureOperands, nodeSpan(building, list, head.span.end), {
      polarity,
      count: operands.length,
    });
  }
  const body = expression(building, node(cst, "expression"), head.span.end);
  formulas(building, [body]);
  return {
    kind: "Measure",
    ...head,
    polarity,
    operands,
    parameters: given.filter((parameter) => !isOperand(parameter)).map((one) => parameter(building, one)),
    body,
  };
}

function primitive(building: Building, cst: CstNode, head: Head): PrimitiveDeclaration | undefined {
  const word = token(cst, "Identifier");
  const role = primitiveKinds.find((kind) => kind === word?.image);
  if (role === undefined) {
    if (word !== undefined) {
      const nearest = closest(word.image, primitiveKinds);
      const roles = primitiveKinds.join(", ");
      building.reportUndisturbed(codes.unknownRole, tokenSpan(building, word), {
        word: word.image,
        nearest,
        roles,
      });
    }
    return undefined;
  }
  const types = nodes(cst, "type");
  const result = token(cst, "Colon") === undefined ? undefined : types.shift();
  const output = types[0];
  return {
    kind: "Primitive",
    ...head,
    role,
    parameters: parameters(building, node(cst, "parameters")),
    ...(result === undefined ? {} : { result: type(building, result) }),
    ...(output === undefined ? {} : { output: type(building, output) }),
    needs: names(building, node(cst, "names")),
  };
}

// ── Parameters and types ────────────────────────────────────────────────────────────────────────────────────────

function parameters(building: Building, cst: CstNode | undefined): Parameter[] {
  return cst === undefined ? [] : nodes(cst, "parameter").map((one) => parameter(building, one));
}

function parameter(building: Building, cst: CstNode): Parameter {
  const place = nodeSpan(building, cst, 0);
  const name = identifier(building, token(cst, "Identifier"), place.start);
  const typeNode = node(cst, "type");
  const equals = token(cst, "Equals");
  if (token(cst, "Colon") === undefined && name.text !== "")
    building.reportUndisturbed(codes.missingType, name.span, { name: name.text });
  return {
    kind: "Parameter",
    span: place,
    name,
    type: typeNode === undefined ? absentType(building, name.span.end) : type(building, typeNode),
    ...(equals === undefined
      ? {}
      : { default: expression(building, node(cst, "expression"), equals.startOffset + 1) }),
  };
}

/** The type where none is written: a name of no characters. */
function absentType(building: Building, offset: number): TypeExpression {
  const name = identifier(building, undefined, offset);
  return { kind: "Type", span: name.span, name, words: [], refinements: [], rest: false };
}

function type(building: Building, cst: CstNode): TypeExpression {
  const place = nodeSpan(building, cst, 0);
  const bracket = token(cst, "LeftBracket");
  return {
    kind: "Type",
    span: place,
    name: identifier(building, token(cst, "Identifier"), place.start),
    ...(bracket === undefined
      ? {}
      : { axes: nodes(cst, "expression").map((axis) => expression(building, axis, place.end)) }),
    words: names(building, node(cst, "names")),
    refinements: nodes(cst, "refinement")
      .map((one) => refinement(building, one))
      .filter((one) => one !== undefined),
    rest: token(cst, "Ellipsis") !== undefined,
  };
}

function refinement(building: Building, cst: CstNode): Refinement | undefined {
  const place = nodeSpan(building, cst, 0);
  const order = token(cst, "OrderOperator");
  if (order !== undefined) {
    const value = expression(building, node(cst, "bound"), order.startOffset + order.image.length);
    return { kind: "Bound", span: place, op: order.image as ">" | ">=" | "<" | "<=", value };
  }
  if (token(cst, "In") === undefined) return undefined;
  const low = expression(building, node(cst, "expression", 0), place.end);
  const high = expression(building, node(cst, "expression", 1), place.end);
  return { kind: "Interval", span: place, low, high };
}

// ── Statements ──────────────────────────────────────────────────────────────────────────────────────────────────

function statements(building: Building, cst: CstNode): Statement[] {
  return nodes(cst, "statement")
    .map((one) => statement(building, one))
    .filter((one) => one !== undefined);
}

function statement(building: Building, cst: CstNode): Statement | undefined {
  const inner = node(cst, "let") ?? node(cst, "param") ?? node(cst, "state") ?? node(cst, "assignment");
  if (inner === undefined) return undefined;
  const place = nodeSpan(building, inner, 0);
  const name: Identifier = identifier(building, token(inner, "Identifier"), place.start);
  const value = (position: number): Expression =>
    expression(building, node(inner, "expression", position), place.end);
  const stated = (): TypeExpression => {
    const typeNode = node(inner, "type");
    return typeNode === undefined ? absentType(building, name.span.end) : type(building, typeNode);
  };
  switch (inner.name) {
    case "let":
      return {
        kind: "Let",
        span: place,
        name,
        parameters: names(building, node(inner, "names")),
        callable: token(inner, "LeftParen") !== undefined,
        value: value(0),
      };
    case "param":
      return { kind: "Param", span: place, name, type: stated(), init: value(0) };
    case "state":
      return { kind: "State", span: place, name, type: stated(), initial: value(0), next: value(1) };
    default:
      return { kind: "Assignment", span: place, name, value: value(0) };
  }
}
