/**
 * `solve[q, u](matrix, right)` and `kmeans[i](point, clusters)`: forms that have their value at an index around them, as
 * softmax has. Used by `infer.ts`.
 */
import { malformedDeclaration, wrongArity } from "../../diagnostics/codes/formula.ts";
import { unknownName } from "../../diagnostics/codes/resolve.ts";
import type { Expression, IndexBinding, Reduction } from "../../syntax/ast.ts";
import { walk } from "../../syntax/traverse.ts";
import { Axis } from "../../types/axis.ts";
import { number, unknown, type FormulaType } from "../../types/formula_type.ts";
import type { Binding, Environment, FormulaContext } from "./environment.ts";
import { expectBool, expectIndexOver, expectNumber, misfit, unifyAxes } from "./expectations.ts";
import { domainOf } from "./reductions.ts";

/** Whether a reduction is one of these forms. */
export const isSystem = ({ op }: Reduction): boolean => op === "solve" || op === "kmeans";

export function inferSystem(
  context: FormulaContext,
  reduction: Reduction,
  environment: Environment,
): FormulaType {
  const problems = context.diagnostics.all.length;
  const axes = reduction.indices.map((index) => axisOf(context, index, environment));
  const type =
    reduction.op === "solve"
      ? inferSolve(context, reduction, axes, environment)
      : inferKmeans(context, reduction, axes, environment);
  if (!context.generic && context.diagnostics.all.length === problems)
    for (const [place, { name, domain }] of reduction.indices.entries())
      if (domain === undefined)
        context.openIndices.push({ axis: axes[place]!, name: name.text, span: name.span });
  return type;
}

function inferSolve(
  context: FormulaContext,
  reduction: Reduction,
  axes: readonly Axis[],
  environment: Environment,
): FormulaType {
  const [matrix, right] = reduction.bodies;
  const [first, second] = reduction.indices;
  const [equations, unknowns] = axes;
  const sound =
    expectCount(context, reduction, "two indices, of the equations and of the unknowns", 2, axes.length) &&
    expectCount(
      context,
      reduction,
      "two arguments, the matrix and the right side",
      2,
      reduction.bodies.length,
    ) &&
    expectCount(context, reduction, "no guard", 0, reduction.guards.length);
  if (!sound || matrix === undefined || right === undefined || first === undefined || second === undefined)
    return number;
  unifyAxes(
    context,
    second.name.span,
    equations!,
    unknowns!,
    "What `solve` numbers",
    "There are as many unknowns as equations: let both indices run over one axis.",
  );
  const ofEquations = environment.with([bound(first, equations!)]);
  const ofBoth = ofEquations.with([bound(second, unknowns!)]);
  expectNumber(context, matrix, context.infer(context, matrix, ofBoth), "The matrix of `solve`");
  refuseUnknown(context, right, second);
  expectNumber(context, right, context.infer(context, right, ofEquations), "The right side of `solve`");
  expectEnclosing(context, reduction, second, unknowns!, environment);
  return number;
}

function inferKmeans(
  context: FormulaContext,
  reduction: Reduction,
  axes: readonly Axis[],
  environment: Environment,
): FormulaType {
  const [point, clusters] = reduction.bodies;
  const [index] = reduction.indices;
  const sound =
    expectCount(context, reduction, "one index", 1, axes.length) &&
    expectCount(
      context,
      reduction,
      "two arguments, the point and the number of clusters",
      2,
      reduction.bodies.length,
    );
  if (!sound || point === undefined || clusters === undefined || index === undefined) return unknown;
  const inner = environment.with([bound(index, axes[0]!)]);
  for (const guard of reduction.guards)
    expectBool(context, guard, context.infer(context, guard, inner), "A guard of `kmeans`");
  const type = context.infer(context, point, inner);
  if (type.kind !== "unknown" && (type.kind !== "tensor" || type.of !== "number" || type.axes.length !== 1))
    misfit(context, point.span, "`kmeans`", type, "a vector for each point", undefined);
  expectEnclosing(context, reduction, index, axes[0]!, environment);
  const numbers = domainOf(context, clusters, environment);
  return numbers === undefined ? unknown : { kind: "index", axis: numbers };
}

function axisOf(context: FormulaContext, index: IndexBinding, environment: Environment): Axis {
  const stated = index.domain === undefined ? undefined : domainOf(context, index.domain, environment);
  return stated ?? new Axis(undefined, false);
}

function bound(index: IndexBinding, axis: Axis): [string, Binding] {
  const type: FormulaType = { kind: "index", axis };
  return [index.name.text, { kind: "value", type, what: "an index", constant: false }];
}

function expectCount(
  context: FormulaContext,
  { op, opSpan }: Reduction,
  needed: string,
  count: number,
  given: number,
): boolean {
  if (given === count) return true;
  context.diagnostics.report(wrongArity, opSpan, { what: `\`${op}\``, needed, given });
  return false;
}

/** The right side has one number for each equation. */
function refuseUnknown(context: FormulaContext, right: Expression, { name }: IndexBinding): void {
  walk(right, {
    enter: (node) => {
      if (node.kind !== "Name" || node.text !== name.text) return;
      context.diagnostics.report(malformedDeclaration, node.span, {
        what: `The right side of \`solve\` depends on \`${name.text}\``,
        why: `It is one number for each equation, and \`${name.text}\` numbers the unknowns.`,
        help: "Use the index of the equations, or one of a reduction or `let` around this.",
      });
    },
  });
}

/** The index around the form at which it has its value. */
function expectEnclosing(
  context: FormulaContext,
  { op }: Reduction,
  { name }: IndexBinding,
  axis: Axis,
  environment: Environment,
): void {
  const binding = environment.lookup(name.text);
  if (binding?.kind !== "value") {
    context.diagnostics.report(unknownName, name.span, {
      name: name.text,
      expected: "index",
      because: `\`${op}\` has its value at the enclosing \`${name.text}\`, so a reduction or a \`let\` around it must bind that index.`,
    });
    return;
  }
  context.used.add(binding);
  const place: Expression = { kind: "Name", span: name.span, text: name.text };
  expectIndexOver(context, place, binding.type, axis, `\`${op}\``);
}
