/**
 * Calls in formulas: `let` functions (checked anew for each list of argument types, remembered), measures, functions of
 * the standard library, and losses given as arguments. Used by `infer.ts`.
 */
import { budgetExceeded } from "../../diagnostics/codes/check.ts";
import { wrongArity } from "../../diagnostics/codes/formula.ts";
import {
  unexpectedBlock,
  unknownName,
  unknownParameter,
  wrongKindOfName,
} from "../../diagnostics/codes/resolve.ts";
import { closest } from "../../diagnostics/did_you_mean.ts";
import { bindMatched, splitMeasureArguments } from "../../resolve/bind.ts";
import { oneLine } from "../../resolve/describe.ts";
import { matchList } from "../../resolve/match.ts";
import type { Resolved } from "../../resolve/scope.ts";
import { signatureOf } from "../../resolve/use.ts";
import { textOf } from "../../source/source.ts";
import type { Call, Expression, Parameter } from "../../syntax/ast.ts";
import { walk } from "../../syntax/traverse.ts";
import { bool, keyOf, number, unknown, type FormulaType } from "../../types/formula_type.ts";
import {
  axisNumbers,
  type Binding,
  type Environment,
  type FormulaContext,
  type LetBinding,
} from "./environment.ts";
import { expectIndexOver, expectNumber, misfit, unifyAxes } from "./expectations.ts";

/** Deepest chain of `let` functions that call each other. */
const deepestCalls = 256;
const idOf = axisNumbers();

export function inferCall(context: FormulaContext, call: Call, environment: Environment): FormulaType {
  const name = call.callee.text;
  if (call.block !== undefined)
    context.diagnostics.report(unexpectedBlock, call.block.span, { callee: name });
  const binding = environment.lookup(name);
  if (binding !== undefined) {
    context.used.add(binding);
    if (binding.kind === "let") return callLet(context, call, binding, environment);
    const bound = callBound(context, call, binding.type, environment);
    if (bound !== undefined) return bound;
  }
  const measure = context.scope.lookup("measure", name);
  if (measure !== undefined) return callMeasure(context, call, measure, environment);
  const primitive = context.scope.lookup("function", name);
  if (primitive !== undefined) return callFunction(context, call, primitive, environment);
  argumentTypes(context, call, environment);
  if (binding?.kind === "value") {
    if (binding.type.kind !== "unknown")
      misfit(context, call.callee.span, "A call", binding.type, "a function", callHelp(call, binding.type));
    return unknown;
  }
  const candidates = [
    ...environment.names.filter((each) => isCallable(environment.lookup(each))),
    ...context.scope.names("measure"),
    ...context.scope.names("function"),
  ];
  const suggestion = closest(name, candidates);
  const other = context.scope.kindsOf(name)[0];
  if (other !== undefined && suggestion === undefined)
    context.diagnostics.report(wrongKindOfName, call.callee.span, {
      name,
      expected: "function",
      found: other,
    });
  else
    context.diagnostics.report(unknownName, call.callee.span, {
      name,
      expected: "function",
      because:
        "A formula calls its own `let` functions above, distances and similarities, and the functions of the standard library.",
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  return unknown;
}

const isCallable = (binding: Binding | undefined): boolean =>
  binding?.kind === "let"
    ? binding.declaration.callable
    : binding?.type.kind === "measure" || binding?.type.kind === "loss";

const callHelp = (call: Call, type: FormulaType): string | undefined =>
  type.kind === "tensor"
    ? `Write \`${call.callee.text}[${call.arguments.map((each) => oneLine(textOf(each.span))).join(", ")}]\`.`
    : undefined;

function argumentTypes(context: FormulaContext, call: Call, environment: Environment): FormulaType[] {
  return call.arguments.map((argument) => context.infer(context, argument.value, environment));
}

/** Refuses names on the arguments of what takes them by position. */
function refuseNames(context: FormulaContext, call: Call): void {
  for (const { name } of call.arguments)
    if (name !== undefined)
      context.diagnostics.report(unknownParameter, name.span, {
        name: name.text,
        callee: call.callee.text,
        known: [],
        because: `The arguments of \`${call.callee.text}\` go by position.`,
      });
}

// ── `let` functions ─────────────────────────────────────────────────────────────────────────────────────────────

function callLet(
  context: FormulaContext,
  call: Call,
  binding: LetBinding,
  environment: Environment,
): FormulaType {
  const { declaration } = binding;
  refuseNames(context, call);
  const types = argumentTypes(context, call, environment);
  const needed = declaration.parameters.length;
  if (types.length !== needed || !declaration.callable) {
    context.diagnostics.report(
      wrongArity,
      call.span,
      {
        what: `\`${declaration.name.text}\``,
        needed: declaration.callable ? countOf(needed) : "no arguments",
        given: types.length,
        ...(declaration.callable ? {} : { help: `Write \`${declaration.name.text}\` without parentheses.` }),
      },
      { related: [{ span: declaration.name.span, label: "declared here" }] },
    );
    return unknown;
  }
  return expandLet(context, binding, types, call);
}

/** The type of a `let`'s body with its parameters of these types; `call` is where it is called, if it is. */
export function expandLet(
  context: FormulaContext,
  binding: LetBinding,
  types: readonly FormulaType[],
  call?: Call,
): FormulaType {
  const { declaration } = binding;
  const key = types.map((type) => keyOf(type, idOf)).join(", ");
  const known = binding.known.get(key);
  if (known !== undefined) return known;
  if (context.calls.length >= deepestCalls) {
    if (!context.exhausted)
      context.diagnostics.report(budgetExceeded, call?.span ?? declaration.name.span, {
        what: "The `let` functions of this formula call each other too deeply",
        limit: `${deepestCalls} levels`,
        help: "Write some of them out.",
      });
    context.exhausted = true;
    return unknown;
  }
  const inner = binding.environment.with(
    declaration.parameters.map((parameter, place) => [
      parameter.text,
      {
        kind: "value",
        type: types[place] ?? unknown,
        what: `a parameter of \`${declaration.name.text}\``,
        constant: false,
      },
    ]),
  );
  if (call !== undefined) context.calls.push({ span: call.span, label: "in this call" });
  const type = context.infer(context, declaration.value, inner);
  if (call !== undefined) context.calls.pop();
  binding.known.set(key, type);
  return type;
}

const countOf = (count: number): string =>
  count === 0 ? "no arguments" : count === 1 ? "one argument" : `${count} arguments`;

// ── Arguments of the loss that are measures and losses ──────────────────────────────────────────────────────────

/** A call of a parameter, or `undefined` if a parameter of this type cannot be called. */
function callBound(
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

// ── Measures ────────────────────────────────────────────────────────────────────────────────────────────────────

function callMeasure(
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

// ── Functions of the standard library ───────────────────────────────────────────────────────────────────────────

function callFunction(
  context: FormulaContext,
  call: Call,
  resolved: Resolved<"function">,
  environment: Environment,
): FormulaType {
  const { declaration } = resolved;
  refuseNames(context, call);
  const types = argumentTypes(context, call, environment);
  const needed = declaration.parameters.length;
  if (types.length !== needed) {
    context.diagnostics.report(wrongArity, call.span, {
      what: `\`${call.callee.text}\``,
      needed: countOf(needed),
      given: types.length,
    });
    return resultOf(declaration.result?.name.text, [], context);
  }
  const sound = declaration.parameters.map((parameter, place) =>
    expectArgument(context, call, parameter, call.arguments[place]!.value, types[place]!),
  );
  const whole = sound.every(Boolean);
  return resultOf(declaration.result?.name.text, whole ? types : [], context);
}

function expectArgument(
  context: FormulaContext,
  call: Call,
  parameter: Parameter,
  argument: Expression,
  type: FormulaType,
): boolean {
  const where = `\`${call.callee.text}\``;
  switch (parameter.type.name.text) {
    case "tensor":
      if (type.kind === "tensor") return true;
      return expectNumber(context, argument, type, where);
    case "vector":
      if (type.kind === "unknown" || (type.kind === "tensor" && type.of === "number")) return true;
      misfit(
        context,
        argument.span,
        where,
        type,
        "a vector",
        type.kind === "index" ? `Write \`x[${oneLine(textOf(argument.span))}]\`.` : undefined,
      );
      return false;
    case "index":
      // Of the functions, only those that compare samples take an index.
      return expectIndexOver(context, argument, type, context.axes.of("batch", false), where);
    default:
      return expectNumber(context, argument, type, where);
  }
}

/** The type of a function's value; no argument types where they did not fit. */
function resultOf(
  result: string | undefined,
  types: readonly FormulaType[],
  context: FormulaContext,
): FormulaType {
  switch (result) {
    case "bool":
      return bool;
    case "tensor":
      return types[0] ?? unknown;
    case "vector": {
      const [vector, ...others] = types;
      if (vector?.kind !== "tensor") return unknown;
      // With a size, other components are left than went in.
      if (others.length === 0) return vector;
      return { ...vector, axes: [...vector.axes.slice(0, -1), context.axes.unlike("dim", false)] };
    }
    default: {
      const [vector] = types;
      // The length of each row of a table is no number.
      return vector?.kind === "tensor" && vector.axes.length > 1
        ? { ...vector, axes: vector.axes.slice(0, -1) }
        : number;
    }
  }
}
