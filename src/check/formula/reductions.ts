/**
 * Reductions: what their indices run over, conditions as guards, and bodies of the right type. Used by `infer.ts`.
 */
import {
  indexWithoutDomain,
  notADomain,
  duplicateFormulaName,
  wrongArity,
} from "../../diagnostics/codes/formula.ts";
import { unknownName } from "../../diagnostics/codes/resolve.ts";
import { oneLine } from "../../resolve/describe.ts";
import { textOf } from "../../source/source.ts";
import type { Expression, IndexBinding, Reduction } from "../../syntax/ast.ts";
import { walk } from "../../syntax/traverse.ts";
import { Axis, classesAxis } from "../../types/axis.ts";
import { bool, describe, number, unknown, type FormulaType } from "../../types/formula_type.ts";
import { checkDraw } from "./draws.ts";
import { callPlaces, type Binding, type Environment, type FormulaContext } from "./environment.ts";
import { classesCounted } from "./labels.ts";
import { expectBool, expectIndexOver, expectNumber, misfit } from "./expectations.ts";

export function inferReduction(
  context: FormulaContext,
  reduction: Reduction,
  environment: Environment,
): FormulaType {
  const { op } = reduction;
  const problems = context.diagnostics.all.length;
  const keeping = op === "softmax" || op === "log_softmax";
  const bindings = new Map<string, Binding>();
  const axes: Axis[] = [];
  let inner = environment;
  for (const index of reduction.indices) {
    const axis = keeping
      ? enclosingAxis(context, index, environment, op)
      : index.domain === undefined
        ? new Axis(undefined, false)
        : domainOf(context, index.domain, inner);
    axes.push(axis ?? new Axis(undefined, false));
    if (index.name.text === "") continue;
    if (bindings.has(index.name.text))
      context.diagnostics.report(duplicateFormulaName, index.name.span, {
        name: index.name.text,
        first: `an index of this \`${op}\``,
      });
    const type: FormulaType = axis === undefined ? unknown : { kind: "index", axis };
    bindings.set(index.name.text, { kind: "value", type, what: "an index", constant: false });
    inner = environment.with(bindings);
  }
  for (const guard of reduction.guards)
    expectBool(context, guard, context.infer(context, guard, inner), `A guard of \`${op}\``);
  if (op === "sample") checkDraw(context, reduction, environment);
  const result = bodies(context, reduction, axes, inner);
  for (const index of reduction.indices) context.endedIndices.set(index.name.text, op);
  if (!keeping && !context.generic && context.diagnostics.all.length === problems)
    for (const [place, index] of reduction.indices.entries())
      if (index.domain === undefined)
        context.openIndices.push({ axis: axes[place]!, name: index.name.text, span: index.name.span });
  return result;
}

/** At the end of a declaration: indices that nothing gave a domain. */
export function reportOpenIndices(context: FormulaContext): void {
  for (const { axis, name, span } of context.openIndices)
    if (axis.resolved.name === undefined && !context.excused.some((each) => each.resolved === axis.resolved))
      context.diagnostics.report(indexWithoutDomain, span, { name });
  for (const { axis, span, where } of context.asNumbers)
    if (axis.resolved.name !== undefined && !axis.resolved.numeric)
      misfit(context, span, where, { kind: "index", axis }, "a number");
}

function bodies(
  context: FormulaContext,
  reduction: Reduction,
  axes: readonly Axis[],
  environment: Environment,
): FormulaType {
  const { op } = reduction;
  const needed = op === "cross_entropy" ? 2 : 1;
  if (reduction.bodies.length !== needed) {
    context.diagnostics.report(wrongArity, reduction.opSpan, {
      what: `\`${op}\``,
      needed: needed === 1 ? "one argument" : "two arguments, the logits and the true class",
      given: reduction.bodies.length,
    });
    return unknown;
  }
  const [body, target] = reduction.bodies as [Expression, Expression?];
  const type = context.infer(context, body, environment);
  const where = `The body of \`${op}\``;
  switch (op) {
    case "any":
    case "all":
      expectBool(context, body, type, where);
      return bool;
    case "count":
      expectBool(context, body, type, where);
      return number;
    case "argmax":
    case "argmin":
    case "sample": {
      expectNumber(context, body, type, where);
      const [axis, ...others] = axes;
      if (axis === undefined || others.length > 0) {
        context.diagnostics.report(wrongArity, reduction.opSpan, {
          what: `\`${op}\``,
          needed: "one index",
          given: axes.length,
        });
        return unknown;
      }
      return { kind: "index", axis };
    }
    case "cross_entropy": {
      expectNumber(context, body, type, "The logits of `cross_entropy`");
      const [axis] = axes;
      if (target !== undefined && axis !== undefined) {
        const label = context.infer(context, target, environment);
        if (label.kind === "label")
          expectIndexOver(
            context,
            reduction.indices[0] === undefined ? target : nameOf(reduction.indices[0]),
            { kind: "index", axis },
            context.axes.of(classesAxis(label.on), false),
            "The classes of `cross_entropy`",
          );
        else expectIndexOver(context, target, label, axis, "The true class of `cross_entropy`");
      }
      return number;
    }
    default:
      return expectNumber(context, body, type, where) ? number : unknown;
  }
}

const nameOf = (index: IndexBinding): Expression => ({
  kind: "Name",
  span: index.name.span,
  text: index.name.text,
});

/** `softmax[c](…)` speaks of the `c` around it. */
function enclosingAxis(
  context: FormulaContext,
  index: IndexBinding,
  environment: Environment,
  op: string,
): Axis | undefined {
  const binding = environment.lookup(index.name.text);
  if (binding?.kind === "value") {
    context.used.add(binding);
    if (binding.type.kind === "index") {
      if (index.domain !== undefined) {
        const stated = domainOf(context, index.domain, environment);
        if (stated !== undefined) expectIndexOver(context, nameOf(index), binding.type, stated, `\`${op}\``);
      }
      return binding.type.axis;
    }
    if (binding.type.kind === "unknown") return undefined;
  }
  context.diagnostics.report(unknownName, index.name.span, {
    name: index.name.text,
    expected: "index",
    because: `\`${op}[${index.name.text}](…)\` is the share of the enclosing \`${index.name.text}\` among all, so a reduction around it must bind that index.`,
  });
  return undefined;
}

/** The axis that `in` names, or `undefined` after reporting that it is none. */
export function domainOf(
  context: FormulaContext,
  domain: Expression,
  environment: Environment,
): Axis | undefined {
  switch (domain.kind) {
    case "Missing":
      return undefined;
    case "Name": {
      const binding = environment.lookup(domain.text);
      if (binding === undefined) {
        context.infer(context, domain, environment);
        return undefined;
      }
      context.used.add(binding);
      if (binding.kind === "value" && binding.domain !== undefined) return binding.domain;
      // An element of a list is a whole number for itself.
      if (binding.kind === "value" && binding.type.kind === "index" && binding.type.axis.resolved.listed)
        return context.axes.of(`each of ${binding.type.axis.resolved.name}`, true);
      break;
    }
    case "Number":
      if (domain.unit === undefined && Number.isInteger(domain.value) && domain.value >= 0)
        return context.axes.of(String(domain.value), true);
      break;
    case "List":
      context.infer(context, domain, environment);
      return context.axes.unlike(oneLine(textOf(domain.span)), true, true);
    case "Range": {
      const ends = [domain.from, domain.to];
      const types = ends.map((end) => context.infer(context, end, environment));
      if (types.some((type) => type.kind === "unknown")) return undefined;
      if (
        !types.every((type) => type.kind === "number") ||
        !ends.every((end) => isConstant(end, environment))
      )
        break;
      const from = domain.from.kind === "Number" && domain.from.value === 0;
      const end = oneLine(textOf(domain.to.span));
      return context.axes.of(from ? end : oneLine(textOf(domain.span)), true);
    }
    case "Call": {
      const axis = classesCounted(context, domain, environment);
      if (axis !== undefined) {
        context.infer(context, domain, environment);
        return axis;
      }
      break;
    }
    default:
      // `in n - 1` means `0..n - 1`.
      if (context.infer(context, domain, environment).kind === "number" && isConstant(domain, environment))
        return context.axes.of(oneLine(textOf(domain.span)), true);
  }
  const type = domain.kind === "Range" ? undefined : context.infer(context, domain, environment);
  if (type?.kind === "unknown") return undefined;
  const given = type === undefined ? "a range that depends on other indices" : describe(type);
  context.diagnostics.report(notADomain, domain.span, { given }, callPlaces(context));
  return undefined;
}

/** Whether an expression has one value for a whole training run. */
function isConstant(
  expression: Expression,
  environment: Environment,
  seen: Set<Binding> = new Set(),
): boolean {
  let constant = true;
  walk(expression, {
    enter: (node) => {
      if (node.kind === "Reduction" || node.kind === "Call" || node.kind === "Index") constant = false;
      if (node.kind !== "Name") return;
      const binding = environment.lookup(node.text);
      if (binding === undefined || seen.has(binding)) return;
      seen.add(binding);
      constant &&=
        binding.kind === "let"
          ? isConstant(binding.declaration.value, binding.environment, seen)
          : binding.constant;
    },
  });
  return constant;
}
