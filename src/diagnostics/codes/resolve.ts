/**
 * Diagnostics of resolving names and binding arguments: DML02xx. Each entry holds what is wrong, why, and what to write
 * instead. Data only.
 */
import { define } from "../diagnostic.ts";

const didYouMean = (suggestion: string | undefined): string | undefined =>
  suggestion === undefined ? undefined : `Did you mean \`${suggestion}\`?`;

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** "a loss", "an initializer". */
export function withArticle(noun: string): string {
  return /^[aeiou]/i.test(noun) ? `an ${noun}` : `a ${noun}`;
}

/** "`a`, `b` and `c`"; "none" for an empty list. */
export function listOf(names: readonly string[]): string {
  const quoted = names.map((name) => `\`${name}\``);
  if (quoted.length === 0) return "none";
  if (quoted.length === 1) return quoted[0]!;
  return `${quoted.slice(0, -1).join(", ")} and ${quoted.at(-1)}`;
}

export const unknownName = define<{
  name: string;
  /** What the place expects: "loss", "layer", "name". */
  expected: string;
  /** Why the name is not known here, where the plain reason does not say it. */
  because?: string;
  suggestion?: string;
  /** What to write instead, where it is no other spelling. */
  help?: string;
}>({
  code: "DML0201",
  name: "unknown-name",
  severity: "error",
  message: ({ name, expected }) => `There is no ${expected} called \`${name}\``,
  reason: ({ expected, because }) =>
    because ??
    `A name resolves by the kind its place expects. Here that is ${withArticle(expected)}, and neither this file, its imports nor the standard library declares one of this name.`,
  help: ({ suggestion, help }) => help ?? didYouMean(suggestion),
});

export const wrongKindOfName = define<{ name: string; expected: string; found: string; suggestion?: string }>(
  {
    code: "DML0202",
    name: "wrong-kind-of-name",
    severity: "error",
    message: ({ name, found, expected }) =>
      `\`${name}\` is ${withArticle(found)}, but ${withArticle(expected)} belongs here`,
    reason: ({ expected }) =>
      `A name resolves by the kind its place expects, and this place expects ${withArticle(expected)}.`,
    help: ({ suggestion }) => didYouMean(suggestion),
  },
);

export const duplicateDeclaration = define<{ name: string; kind: string }>({
  code: "DML0203",
  name: "duplicate-declaration",
  severity: "error",
  message: ({ name, kind }) => `This file has two declarations of ${withArticle(kind)} called \`${name}\``,
  reason: () =>
    "A file may hide a declaration of the standard library, but two of one kind and name in one file leave open which is meant.",
  help: () => "Rename one of them, or remove it.",
});

export const importCycle = define<{ chain: readonly string[] }>({
  code: "DML0204",
  name: "import-cycle",
  severity: "error",
  message: ({ chain }) => `These files import each other in a circle: ${chain.join(" → ")}`,
  reason: () => "A file's declarations must be complete before another file can use them.",
  help: () => "Move what both files need into a third file, and import that from both.",
});

export const importNotFound = define<{ specifier: string; path: string }>({
  code: "DML0205",
  name: "import-not-found",
  severity: "error",
  message: ({ specifier }) => `There is no file "${specifier}"`,
  reason: ({ path }) => `An import is relative to the file it stands in; this one means ${path}.`,
  help: () => undefined,
});

export const importRefused = define<{ specifier: string; why: string }>({
  code: "DML0206",
  name: "import-refused",
  severity: "error",
  message: ({ specifier, why }) => `"${specifier}" cannot be imported: it ${why}`,
  reason: () =>
    "Imports stay within the project (the nearest folder upward with a package.json) and read only .dml files, so that checking a spec never reads anything else.",
  help: () => "Copy the file into the project and import it by its relative path.",
});

export const unknownImport = define<{ name: string; path: string; suggestion?: string }>({
  code: "DML0207",
  name: "unknown-import",
  severity: "error",
  message: ({ name, path }) => `${path} declares no \`${name}\``,
  reason: () =>
    "An import names declarations of the other file; what that file imports itself is not passed on.",
  help: ({ suggestion }) => didYouMean(suggestion),
});

export const cyclicDefinition = define<{ name: string; kind: string; chain: readonly string[] }>({
  code: "DML0208",
  name: "cyclic-definition",
  severity: "error",
  message: ({ name, kind }) => `The ${kind} \`${name}\` is defined through itself`,
  reason: ({ chain }) =>
    `Declarations are expanded where they are used, and this one would never end: ${chain.join(" → ")}.`,
  help: () => undefined,
});

export const primitiveOutsideLibrary = define<{ name: string }>({
  code: "DML0209",
  name: "primitive-outside-library",
  severity: "error",
  message: ({ name }) => `\`${name}\` is declared as a primitive outside the standard library`,
  reason: () =>
    "A primitive is a signature whose meaning the compiler itself holds, so a spec cannot add one.",
  help: () => "Write it as a loss, a distance, a miner or a backbone.",
});

export const unknownParameter = define<{
  name: string;
  callee: string;
  known: readonly string[];
  because?: string;
  suggestion?: string;
}>({
  code: "DML0210",
  name: "unknown-parameter",
  severity: "error",
  message: ({ name, callee }) => `\`${callee}\` has no parameter \`${name}\``,
  reason: ({ known, callee, because }) =>
    because ??
    (known.length === 0 ? `\`${callee}\` takes no arguments.` : `Its parameters are ${listOf(known)}.`),
  help: ({ suggestion }) => didYouMean(suggestion),
});

export const duplicateArgument = define<{ name: string; callee: string }>({
  code: "DML0211",
  name: "duplicate-argument",
  severity: "error",
  message: ({ name, callee }) => `\`${name}\` of \`${callee}\` is given twice`,
  reason: () => "Each parameter takes one value, by position or by name.",
  help: () => "Remove one of the two.",
});

export const missingArgument = define<{
  callee: string;
  /** As declared: `margin: real > 0`. */
  missing: readonly string[];
}>({
  code: "DML0212",
  name: "missing-argument",
  severity: "error",
  message: ({ callee, missing }) =>
    `\`${callee}\` needs ${missing.length === 1 ? "a value" : "values"} for ${listOf(missing.map(nameOf))}`,
  reason: ({ missing }) => `${listOf(missing)} ${missing.length === 1 ? "has" : "have"} no default.`,
  help: ({ callee, missing }) =>
    `Write \`${callee}(${missing.map((each) => `${nameOf(each)}: …`).join(", ")})\`.`,
});

const nameOf = (declared: string): string => declared.split(":")[0]!;

export const tooManyArguments = define<{ callee: string; most: number; given: number }>({
  code: "DML0213",
  name: "too-many-arguments",
  severity: "error",
  message: ({ callee, most, given }) =>
    most === 0
      ? `\`${callee}\` takes no arguments, but ${given} ${given === 1 ? "is" : "are"} given`
      : `\`${callee}\` takes at most ${most} ${most === 1 ? "argument" : "arguments"}, but ${given} are given`,
  reason: () => "Arguments by position fill the parameters in the order of their declaration.",
  help: () => undefined,
});

export const positionalAfterNamed = define<{ callee: string }>({
  code: "DML0214",
  name: "positional-after-named",
  severity: "error",
  message: ({ callee }) => `An argument of \`${callee}\` without a name follows one with a name`,
  reason: () => "After a named argument the order no longer says which parameter is meant.",
  help: () => "Name this argument too, or move it to the front.",
});

export const wrongArgumentType = define<{
  /** What the value is for: "`margin` of `triplet`", "`steps`". */
  target: string;
  given: string;
  needed: string;
  /** Why values of this type are written as they are. */
  why?: string;
  help?: string;
}>({
  code: "DML0215",
  name: "wrong-argument-type",
  severity: "error",
  message: ({ target, given, needed }) => `${capital(target)} needs ${needed}, but this is ${given}`,
  reason: ({ given, needed, why }) => why ?? `It is: ${given}. But what is needed: ${needed}.`,
  help: ({ help }) => help,
});

export const outOfRange = define<{ target: string; given: string; bound: string; nearest?: string }>({
  code: "DML0216",
  name: "out-of-range",
  severity: "error",
  message: ({ target, given, bound }) => `${capital(target)} must be ${bound}, but it is ${given}`,
  reason: ({ bound }) => `It is declared with the bound \`${bound}\`, outside of which it makes no sense.`,
  help: ({ nearest, bound }) =>
    nearest === undefined ? `Write a value ${bound}.` : `The nearest value that can be used is ${nearest}.`,
});

export const wrongPolarity = define<{
  name: string;
  found: "distance" | "similarity";
  expected: "distance" | "similarity";
  target: string;
  suggestion?: string;
}>({
  code: "DML0217",
  name: "wrong-polarity",
  severity: "error",
  message: ({ name, found, expected, target }) =>
    `\`${name}\` is a ${found}, but ${target} needs a ${expected}`,
  reason: ({ expected }) =>
    expected === "distance"
      ? "A distance is small for vectors that belong together, a similarity is large for them: a loss that got the wrong one would push classes together."
      : "A similarity is large for vectors that belong together, a distance is small for them: a loss that got the wrong one would push classes together.",
  help: ({ suggestion }) => (suggestion === undefined ? undefined : `Write \`${suggestion}\`.`),
});

export const notConstant = define<{ what: string }>({
  code: "DML0218",
  name: "not-a-constant",
  severity: "error",
  message: ({ what }) => `${what} is not a constant`,
  reason: () =>
    "Arguments and settings are worked out when the spec is compiled: numbers, words, strings, lists, names of parameters, and arithmetic on these.",
  help: () => undefined,
});

export const mixedUnits = define<{ op: string; left: string; right: string }>({
  code: "DML0219",
  name: "mixed-units",
  severity: "error",
  message: ({ op, left, right }) => `\`${op}\` cannot be applied to ${left} and ${right}`,
  reason: () => "Only numbers of one unit add, subtract and compare; a plain number scales any unit.",
  help: () => undefined,
});

export const unexpectedBlock = define<{ callee: string }>({
  code: "DML0220",
  name: "unexpected-block",
  severity: "error",
  message: ({ callee }) => `\`${callee}\` takes no settings in braces`,
  reason: () =>
    "Braces after a call hold settings of an optimiser, of a parameter's initial value or of named groups.",
  help: () => "Write the settings as arguments between the parentheses.",
});
