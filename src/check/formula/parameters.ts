/**
 * The parameters of a declaration: known types, distinct names, defaults that fit, and what each is inside the formula.
 * Used for losses, measures, miners and backbones.
 */
import { malformedDeclaration } from "../../diagnostics/codes/formula.ts";
import { duplicateName } from "../../diagnostics/codes/check.ts";
import { unknownName } from "../../diagnostics/codes/resolve.ts";
import type { Diagnostics } from "../../diagnostics/diagnostic.ts";
import { closest } from "../../diagnostics/did_you_mean.ts";
import { bindDefaults } from "../../resolve/bind.ts";
import { parameterTypes } from "../../resolve/describe.ts";
import type { Scope } from "../../resolve/scope.ts";
import type { Values } from "../../resolve/values.ts";
import type { Identifier, Parameter } from "../../syntax/ast.ts";
import type { Axes } from "../../types/axis.ts";
import { bool, number, unknown, type FormulaType } from "../../types/formula_type.ts";
import type { ValueBinding } from "./environment.ts";

/** Checks the parameters by themselves; their default values, as far as they have some. */
export function checkParameters(
  owner: { readonly name: Identifier; readonly parameters: readonly Parameter[] },
  scope: Scope,
  diagnostics: Diagnostics,
): Values {
  const seen = new Map<string, Parameter>();
  for (const parameter of owner.parameters) {
    const { name, type } = parameter;
    const before = seen.get(name.text);
    if (before === undefined) seen.set(name.text, parameter);
    else
      diagnostics.report(
        duplicateName,
        name.span,
        { name: name.text, what: "parameters" },
        { related: [{ span: before.name.span, label: "the first one" }] },
      );
    if (type.name.text === "") continue;
    if (!parameterTypes.includes(type.name.text)) {
      const suggestion = closest(type.name.text, parameterTypes);
      diagnostics.report(unknownName, type.name.span, {
        name: type.name.text,
        expected: "type of parameters",
        because: `Parameters are of the types ${parameterTypes.map((each) => `\`${each}\``).join(", ")}, or lists such as \`int[]\`.`,
        ...(suggestion === undefined ? {} : { suggestion }),
      });
    } else if ((type.axes ?? []).length > 0)
      diagnostics.report(malformedDeclaration, type.span, {
        what: `The parameter \`${name.text}\` cannot be a table`,
        why: "Parameters are settings: single values, or lists such as `int[]`. What is trained is a `param` in the loss's body.",
        help: `Write \`param ${name.text}: …\` in the body.`,
      });
  }
  const sound = owner.parameters.filter((each) => parameterTypes.includes(each.type.name.text));
  return bindDefaults({ name: owner.name.text, parameters: sound, scope }, diagnostics);
}

/** What a parameter is inside a formula. */
export function parameterBinding(parameter: Parameter, axes: Axes): ValueBinding {
  const { name, type } = parameter;
  const isList = type.axes !== undefined && type.axes.length === 0;
  const isWhole = type.name.text === "int" && !isList;
  return {
    kind: "value",
    type: isList ? { kind: "list" } : typeNamed(type.name.text),
    what: "a parameter",
    constant: true,
    ...(isWhole || isList ? { domain: axes.of(name.text, true, isList) } : {}),
  };
}

function typeNamed(name: string): FormulaType {
  switch (name) {
    case "real":
    case "int":
    case "angle":
      return number;
    case "bool":
      return bool;
    case "distance":
    case "similarity":
      return { kind: "measure", polarity: name };
    case "loss":
      return { kind: "loss" };
    case "word":
      return { kind: "word" };
    case "label":
      return { kind: "label_name" };
    default:
      return unknown;
  }
}
