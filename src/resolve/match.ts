/**
 * Which argument is for which parameter: by position, by name, and the rest parameter (`terms: loss...`) that takes all
 * further positional ones. Reports unknown, duplicate, missing and surplus arguments. Called by `bind.ts` and for
 * strategies, whose operands are not constants. Pure.
 */
import {
  duplicateArgument,
  missingArgument,
  positionalAfterNamed,
  tooManyArguments,
  unknownParameter,
} from "../diagnostics/codes/resolve.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import { closest } from "../diagnostics/did_you_mean.ts";
import type { Argument, Expression, Parameter } from "../syntax/ast.ts";
import { writeType } from "./describe.ts";
import { calleeOf, type Signature, type Use } from "./use.ts";

export interface Match {
  /** The argument of each parameter that has one; never of the rest parameter. */
  readonly given: ReadonlyMap<Parameter, Expression>;
  readonly rest: readonly Expression[];
  /** Whether every argument found its parameter and none is missing. */
  readonly complete: boolean;
}

export function matchArguments(signature: Signature, use: Use, diagnostics: Diagnostics): Match {
  return matchList(signature, use.kind === "Call" ? use.arguments : [], use, diagnostics);
}

/** As `matchArguments`, for a given list of the use's arguments (a measure in a formula: those after its vectors). */
export function matchList(
  signature: Signature,
  list: readonly Argument[],
  use: Use,
  diagnostics: Diagnostics,
): Match {
  const callee = signature.name;
  const given = new Map<Parameter, Expression>();
  const rest: Expression[] = [];
  const named = signature.parameters.filter((parameter) => !parameter.type.rest);
  const restParameter = signature.parameters.find((parameter) => parameter.type.rest);
  // With a rest parameter first, all positional arguments are operands and settings go by name.
  const positional = restParameter === undefined ? named : [];
  let complete = true;
  let position = 0;
  let namedBefore = false;
  let surplus: Argument | undefined;
  for (const argument of list) {
    if (argument.name === undefined) {
      if (namedBefore) {
        complete = false;
        diagnostics.report(positionalAfterNamed, argument.span, { callee });
        continue;
      }
      const parameter = positional[position++];
      if (parameter !== undefined) given.set(parameter, argument.value);
      else if (restParameter !== undefined) rest.push(argument.value);
      else surplus ??= argument;
      continue;
    }
    namedBefore = true;
    const { text, span } = argument.name;
    const parameter = named.find((each) => each.name.text === text);
    if (parameter === undefined) {
      complete = false;
      const known = named.map((each) => each.name.text);
      const suggestion = closest(text, known);
      diagnostics.report(unknownParameter, span, {
        name: text,
        callee,
        known,
        ...(suggestion === undefined ? {} : { suggestion }),
      });
    } else if (given.has(parameter)) {
      complete = false;
      diagnostics.report(duplicateArgument, span, { name: text, callee });
    } else given.set(parameter, argument.value);
  }
  if (surplus !== undefined) {
    complete = false;
    diagnostics.report(tooManyArguments, surplus.span, { callee, most: positional.length, given: position });
  }
  const missing = named.filter((each) => !given.has(each) && each.default === undefined);
  // A misspelt or misplaced argument has been reported and may well be the one that is missing.
  if (missing.length > 0 && complete)
    diagnostics.report(
      missingArgument,
      calleeOf(use).span,
      { callee, missing: missing.map((each) => `${each.name.text}: ${writeType(each.type)}`) },
      { related: missing.map(({ span }) => ({ span, label: "declared here, without a default" })) },
    );
  return { given, rest, complete: complete && missing.length === 0 };
}
