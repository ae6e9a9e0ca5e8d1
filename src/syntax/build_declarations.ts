/**
 * Declarations: concrete tree to syntax tree. Total over recovered trees, and the place where rules are checked that the
 * grammar leaves open for the sake of better messages (an assignment in a loss). Called by `cst_to_ast.ts`.
 */
import type { CstNode, IToken } from "chevrotain";
import * as codes from "../diagnostics/codes/syntax.ts";
import { closest } from "../diagnostics/did_you_mean.ts";
import { span } from "../source/source.ts";
import type {
  Declaration,
  Expression,
  LossDeclaration,
  MeasureDeclaration,
  MinerDeclaration,
  PrimitiveDeclaration,
  PrimitiveKind,
  Statement,
} from "./ast.ts";
import { walk, type Node } from "./traverse.ts";
import { block, call, expression } from "./build_expressions.ts";
import { parameter, parameters, type } from "./build_signatures.ts";
import { statements } from "./build_statements.ts";
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
  "reduction",
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
  "precision",
  "class_weights",
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
  return (
    token(cst, "PrefixReduction", "CallReduction") ??
    words.filter((word) => word.isInsertedInRecovery !== true)[1]
  );
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
