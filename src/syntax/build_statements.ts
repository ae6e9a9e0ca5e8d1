/** The statements of losses and miners: concrete tree to syntax tree. Called by the builders of declarations. */
import type { CstNode } from "chevrotain";
import type { Expression, Identifier, Statement, TypeExpression } from "./ast.ts";
import { binding, expression } from "./build_expressions.ts";
import { absentType, type } from "./build_signatures.ts";
import { identifier, names, node, nodes, nodeSpan, token, type Building } from "./cst.ts";

export function statements(building: Building, cst: CstNode): Statement[] {
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
      return {
        kind: "State",
        span: place,
        name,
        indices: nodes(inner, "binding").map((bound) => binding(building, bound, place.end)),
        type: stated(),
        initial: value(0),
        next: value(1),
      };
    default:
      return { kind: "Assignment", span: place, name, value: value(0) };
  }
}
