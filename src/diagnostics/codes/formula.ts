/**
 * Diagnostics of formulas, DML03xx: types, axes, arity and names inside losses, measures and miners. Data only.
 */
import { define } from "../diagnostic.ts";

export const formulaType = define<{
  /** What needs it: "`relu`", "`+`", "the body of `sum`". */
  where: string;
  given: string;
  needed: string;
  help?: string;
}>({
  code: "DML0301",
  name: "formula-type",
  severity: "error",
  message: ({ where, given, needed }) => `${where} needs ${needed}, but this is ${given}`,
  reason: ({ where, given, needed }) =>
    `It is: ${given}. But ${where.replace(/^(A|An|The) /, (article) => article.toLowerCase())} needs: ${needed}.`,
  help: ({ help }) => help,
});

export const twoAxes = define<{ what: string; first: string; second: string; help?: string }>({
  code: "DML0302",
  name: "two-axes",
  severity: "error",
  message: ({ what, first, second }) => `${what} runs over ${first} in one place and over ${second} here`,
  reason: () =>
    "An index has one domain. Using it on two axes would pair elements that have nothing to do with each other, even where the sizes happen to agree.",
  help: ({ help }) => help ?? "Use two indices.",
});

export const indexWithoutDomain = define<{ name: string }>({
  code: "DML0303",
  name: "index-without-domain",
  severity: "error",
  message: ({ name }) => `Nothing says what the index \`${name}\` runs over`,
  reason: ({ name }) =>
    `The domain of an index is found from its uses, such as \`x[${name}]\` or \`same(${name}, j)\`, and here there is none.`,
  help: ({ name }) => `Say it: \`${name} in classes\`, \`${name} in batch\` or \`${name} in 0..10\`.`,
});

export const notADomain = define<{ given: string }>({
  code: "DML0304",
  name: "not-a-domain",
  severity: "error",
  message: ({ given }) => `An index cannot run over ${given}`,
  reason: () =>
    "What follows `in` is `batch`, `classes`, `dim`, a whole number `n` (for 0 to n - 1), a range `0..n`, or a list; none of them may depend on another index.",
  help: () => undefined,
});

export const wrongArity = define<{ what: string; needed: string; given: number; help?: string }>({
  code: "DML0305",
  name: "wrong-arity",
  severity: "error",
  message: ({ what, needed, given }) =>
    `${what} takes ${needed}, but ${given === 0 ? "none" : given} ${given === 1 ? "is" : "are"} given`,
  reason: ({ what, needed }) => `${what} is declared with ${needed}.`,
  help: ({ help }) => help,
});

export const duplicateFormulaName = define<{ name: string; first: string }>({
  code: "DML0306",
  name: "name-taken",
  severity: "error",
  message: ({ name, first }) => `\`${name}\` is already ${first}`,
  reason: () => "Inside one declaration each name stands for one thing.",
  help: () => "Choose another name.",
});

export const unusedName = define<{ name: string; what: string }>({
  code: "DML0307",
  name: "unused-name",
  severity: "warning",
  message: ({ name, what }) => `The ${what} \`${name}\` is never used`,
  reason: () => "It changes nothing about the value; often it is a misspelling or a leftover.",
  help: () => "Use it or remove it.",
});

export const unreachedParam = define<{ name: string }>({
  code: "DML0308",
  name: "unreached-param",
  severity: "error",
  message: ({ name }) => `The trained parameter \`${name}\` is never used`,
  reason: () => "No gradient would ever reach it, so it would keep its random first value for ever.",
  help: () => "Use it in the formula or remove it.",
});

export const orderedIndices = define<{ op: string; left: string; right: string }>({
  code: "DML0309",
  name: "unordered-indices",
  severity: "error",
  message: ({ op, left, right }) => `\`${op}\` cannot compare ${left} with ${right}`,
  reason: () => "Two indices compare if they run over one axis, or over two ranges of numbers.",
  help: () => undefined,
});

export const malformedDeclaration = define<{ what: string; why: string; help?: string }>({
  code: "DML0310",
  name: "malformed-declaration",
  severity: "error",
  message: ({ what }) => what,
  reason: ({ why }) => why,
  help: ({ help }) => help,
});

export const unknownReduction = define<{ name: string; suggestion: string }>({
  code: "DML0311",
  name: "unknown-reduction",
  severity: "error",
  message: ({ name }) => `There is no reduction called \`${name}\``,
  reason: () =>
    "Only a reduction binds indices in brackets; after any other name, brackets hold indices that are there already.",
  help: ({ suggestion }) => `Did you mean \`${suggestion}\`?`,
});

export const divisionByZero = define<{ formula: string; loss?: string }>({
  code: "DML0312",
  name: "division-by-zero",
  severity: "error",
  message: ({ formula, loss }) =>
    loss === undefined ? `\`${formula}\` divides by 0` : `\`${formula}\` of \`${loss}\` divides by 0`,
  reason: ({ loss }) =>
    `${loss === undefined ? "The divisor is 0" : "With the arguments given here the divisor is 0"}, whatever the batch holds: the value is infinite or no number, and so is every gradient through it.`,
  help: () => "Change the divisor, or write `ratio(a, b)` if 0 is meant where b is 0.",
});
