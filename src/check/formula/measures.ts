/**
 * Calls of measures and of arguments that are measures or losses: vectors of one kind, batches of embeddings, constant
 * settings. Used by the files of this folder only.
 */
import { wrongArity } from "../../diagnostics/codes/formula.ts";
import { bindMatched, splitMeasureArguments } from "../../resolve/bind.ts";
import { oneLine } from "../../resolve/describe.ts";
import { matchList } from "../../resolve/match.ts";
import type { Resolved } from "../../resolve/scope.ts";
import { signatureOf } from "../../resolve/use.ts";
import { textOf } from "../../source/source.ts";
import type { Call, Expression } from "../../syntax/ast.ts";
import { walk } from "../../syntax/traverse.ts";
import { number, type FormulaType } from "../../types/formula_type.ts";
import { argumentTypes, refuseNames } from "./arguments.ts";
import type { Environment, FormulaContext } from "./environment.ts";
import { misfit, unifyAxes } from "./expectations.ts";

/** A call of a parameter, or `undefined` if a parameter of this type cannot be called. */
export function callBound(
  context: FormulaContext,
  call: Call,
  type: FormulaType,
  environment: Environment,
): FormulaType | undefined {
  const name = call.callee.text;
  if (type.kind === "measure") {
    refuseNames(context, call);
    const types = argumentTypes(context, call, environment);
    if (types.length !== 2)
      context.diagnostics.report(wrongArity, call.span, {
        what: `\`${name}\``,
        needed: "two vectors",
        given: types.length,
      });
    else
      expectVectors(
        context,
        call,
        call.arguments.map((each) => each.value),
        types,
      );
    return number;
  }
  if (type.kind === "loss") {
    for (const argument of call.arguments) {
      const given = context.infer(context, argument.value, environment);
      if (
        given.kind === "unknown" ||
        (given.kind === "tensor" && given.of === "number" && given.axes.length === 2)
      )
        continue;
      misfit(
        context,
        argument.value.span,
        `\`${name}\``,
        given,
        "a batch of embeddings",
        "Give it for example `x: x` or `x: normalize(x)`.",
      );
    }
    if (call.arguments.length === 0)
      context.diagnostics.report(wrongArity, call.span, {
        what: `\`${name}\``,
        needed: "the embeddings it compares",
        given: 0,
        help: `Write \`${name}(x: x)\`.`,
      });
    return number;
  }
  return undefined;
}

/** `cosine(x[i], w[k])`, `minkowski(x[i], x[j], p: 3)`. */
export function callMeasure(
  context: FormulaContext,
  call: Call,
  resolved: Resolved<"measure">,
  environment: Environment,
): FormulaType {
  const { declaration } = resolved;
  const { operands, settings } = splitMeasureArguments(call, declaration);
  const types = operands.map((operand) => context.infer(context, operand, environment));
  const needed = declaration.operands.length;
  if (operands.length < needed)
    context.diagnostics.report(wrongArity, call.span, {
      what: `\`${call.callee.text}\``,
      needed: "two vectors",
      given: operands.length,
    });
  else expectVectors(context, call, operands, types);
  const signature = signatureOf(resolved);
  const match = matchList(signature, settings, call, context.diagnostics);
  // Settings must be constants; one that mentions a parameter without a default can only be checked where it is used.
  const known = settings.map((each) => mentionsOnly(context, each.value, environment)).every(Boolean);
  if (known) bindMatched(signature, match, context.scope, context.constants, context.diagnostics);
  return number;
}

/** Whether every name of a constant argument has a value here; marks those names as used. */
export function mentionsOnly(
  context: FormulaContext,
  expression: Expression,
  environment: Environment,
): boolean {
  let all = true;
  walk(expression, {
    enter: (node) => {
      if (node.kind !== "Name") return;
      const binding = environment.lookup(node.text);
      if (binding === undefined) return;
      context.used.add(binding);
      if (!context.constants.has(node.text)) all = false;
    },
  });
  return all;
}

function expectVectors(
  context: FormulaContext,
  call: Call,
  operands: readonly Expression[],
  types: readonly FormulaType[],
): void {
  const where = `\`${call.callee.text}\``;
  for (const [place, type] of types.entries()) {
    if (type.kind === "unknown" || isVector(type)) continue;
    const help =
      type.kind === "index" ? `Write \`x[${oneLine(textOf(operands[place]!.span))}]\`.` : undefined;
    misfit(context, operands[place]!.span, where, type, "a vector", help);
  }
  const [first, second] = types;
  if (first?.kind === "tensor" && second?.kind === "tensor" && isVector(first) && isVector(second))
    unifyAxes(
      context,
      operands[1]!.span,
      first.axes[0]!,
      second.axes[0]!,
      `${where} of two vectors`,
      "Compare vectors of one kind: embeddings with embeddings, or with a parameter over `dim`.",
    );
}

const isVector = (type: FormulaType): boolean =>
  type.kind === "tensor" && type.of === "number" && type.axes.length === 1;
