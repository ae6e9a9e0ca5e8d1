/**
 * Parameters, types and their bounds: concrete tree to syntax tree. Called by the builders of declarations and of
 * statements.
 */
import type { CstNode } from "chevrotain";
import * as codes from "../diagnostics/codes/syntax.ts";
import type { Parameter, Refinement, TypeExpression } from "./ast.ts";
import { expression } from "./build_expressions.ts";
import { identifier, names, node, nodes, nodeSpan, token, type Building } from "./cst.ts";

export function parameters(building: Building, cst: CstNode | undefined): Parameter[] {
  return cst === undefined ? [] : nodes(cst, "parameter").map((one) => parameter(building, one));
}

export function parameter(building: Building, cst: CstNode): Parameter {
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
export function absentType(building: Building, offset: number): TypeExpression {
  const name = identifier(building, undefined, offset);
  return { kind: "Type", span: name.span, name, words: [], refinements: [], rest: false };
}

export function type(building: Building, cst: CstNode): TypeExpression {
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
