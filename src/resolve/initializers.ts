/**
 * Which first values of a state are initialisers, `xavier_uniform()`, and which are numbers. Used by every stage that
 * reads a `state`. Pure.
 */
import type { Call, Expression, Name } from "../syntax/ast.ts";
import type { Scope } from "./scope.ts";

/**
 * The initialiser that an expression uses: a name that the formula does not bind and that is an initialiser's in `scope`.
 * `undefined` where it is a number.
 */
export function initializerUse(
  expression: Expression,
  scope: Scope,
  isBound: (name: string) => boolean,
): Call | Name | undefined {
  if (expression.kind !== "Call" && expression.kind !== "Name") return undefined;
  const name = expression.kind === "Call" ? expression.callee.text : expression.text;
  return !isBound(name) && scope.lookup("initializer", name) !== undefined ? expression : undefined;
}
