/**
 * Codes DML0130 to DML0153: what can be wrong with the structure of a program before any name is looked up. Reported by
 * `src/syntax/`. Pure data.
 */
import { define } from "../diagnostic.ts";
import { short } from "./text.ts";

const none = (): undefined => undefined;

// ── Structure ───────────────────────────────────────────────────────────────────────────────────────────────────

export const unexpectedToken = define<{ found: string; expected: string; where?: string | undefined }>({
  code: "DML0130",
  name: "unexpected-token",
  severity: "error",
  message: ({ found, expected }) => `expected ${expected}, found ${found}`,
  reason: ({ expected, where }) =>
    `${where === undefined ? "Here" : `In ${where}`}, ${expected} must follow.`,
  help: none,
});

export const missingOperand = define<{ found: string; after: string | undefined }>({
  code: "DML0131",
  name: "missing-operand",
  severity: "error",
  message: ({ found, after }) =>
    after === undefined
      ? `expected an expression, found ${found}`
      : `expected an expression after ${after}, found ${found}`,
  reason: () => "A value is a number, a name, a call, a reduction or an expression in parentheses.",
  help: none,
});

export const unknownDeclaration = define<{ word: string; nearest: string | undefined }>({
  code: "DML0132",
  name: "unknown-declaration",
  severity: "error",
  message: ({ word }) => `"${short(word)}" does not start a declaration`,
  reason: () =>
    "A file consists of import, dataset, model, loss, distance, similarity, miner and backbone declarations.",
  help: ({ nearest }) => (nearest === undefined ? undefined : `did you mean "${nearest}"?`),
});

export const outsideDeclaration = define<{ found: string }>({
  code: "DML0133",
  name: "outside-declaration",
  severity: "error",
  message: ({ found }) => `${found} stands outside every declaration`,
  reason: () => "After a complete declaration comes the next one, or the end of the file.",
  help: () => "check whether a bracket closed the declaration too early",
});

export const reservedWord = define<{ word: string; what: string }>({
  code: "DML0134",
  name: "reserved-word",
  severity: "error",
  message: ({ word, what }) => `"${word}" is a word of the language and cannot be ${what}`,
  reason: () =>
    "Reserved are the words formulas are made of and the names of the reductions; in losses also by, on, against, with, shared.",
  help: ({ word }) => `choose another name, for example "${word}_"`,
});

export const missingBody = define<{ what: string; form: string }>({
  code: "DML0135",
  name: "missing-body",
  severity: "error",
  message: ({ what }) => `this ${what} has no body`,
  reason: ({ form }) => `The form is ${form}.`,
  help: () => "add the body between { and }",
});

export const missingFormula = define<{ what: string }>({
  code: "DML0136",
  name: "missing-formula",
  severity: "error",
  message: ({ what }) => `this ${what} has no formula`,
  reason: ({ what }) => `The body of a ${what} ends with one expression: its value.`,
  help: () => "write the expression after the last statement",
});

export const secondFormula = define<{ found: string; what: string }>({
  code: "DML0137",
  name: "second-formula",
  severity: "error",
  message: ({ found, what }) => `the formula of this ${what} is complete before ${found}`,
  reason: ({ what }) => `The body of a ${what} is its statements, then one expression.`,
  help: () => "join the two with an operator, or name the first with let",
});

export const equalsForColon = define<{ name: string; value: string }>({
  code: "DML0138",
  name: "equals-for-colon",
  severity: "error",
  message: ({ name }) => `"${name}" is given its value with ":", not "="`,
  reason: () => "Settings and named arguments are written NAME: VALUE; = defines and gives defaults.",
  help: ({ name, value }) => `write ${name}: ${value}`,
});

export const missingWord = define<{ word: string; found: string; form: string }>({
  code: "DML0139",
  name: "missing-word",
  severity: "error",
  message: ({ word, found }) => `expected "${word}", found ${found}`,
  reason: ({ form }) => `The form is ${form}.`,
  help: ({ word }) => `add "${word}"`,
});

// ── Expressions ─────────────────────────────────────────────────────────────────────────────────────────────────

export const chainedComparison = define<{ first: string; second: string }>({
  code: "DML0140",
  name: "chained-comparison",
  severity: "error",
  message: ({ first, second }) => `the comparisons "${first}" and "${second}" are chained`,
  reason: () => "A comparison gives true or false, so a chain would compare a truth value.",
  help: ({ first, second }) => `write a ${first} b and b ${second} c`,
});

export const conditionInOperator = define({
  code: "DML0141",
  name: "condition-in-operator",
  severity: "error",
  message: () => "an if inside an operator needs parentheses",
  reason: () => "if … then … else takes everything after else, so its end would not be seen.",
  help: () => "write (if … then … else …)",
});

export const notInOperator = define<{ operator: string }>({
  code: "DML0142",
  name: "not-in-operator",
  severity: "error",
  message: ({ operator }) => `not is looser than "${operator}" and needs parentheses here`,
  reason: () => "not takes a whole comparison: not a == b is not (a == b).",
  help: () => "write (not …)",
});

export const reductionWithoutIndices = define<{ op: string; call: boolean }>({
  code: "DML0143",
  name: "reduction-without-indices",
  severity: "error",
  message: ({ op }) => `${op} needs its indices in brackets`,
  reason: () => "A reduction says what it runs over: op[indices | conditions].",
  help: ({ op, call }) => (call ? `write ${op}[k](…)` : `write ${op}[i] …`),
});

export const pipelineInFormula = define<{ what: string }>({
  code: "DML0144",
  name: "pipeline-in-formula",
  severity: "error",
  message: ({ what }) => `${what} does not stand in a formula`,
  reason: () => "Pipelines of layers and transforms belong to settings and backbones.",
  help: () => "write a call: f(a) instead of a |> f",
});

export const assignmentInLoss = define<{ name: string }>({
  code: "DML0145",
  name: "assignment-in-loss",
  severity: "error",
  message: ({ name }) => `"${name}" is assigned in a loss`,
  reason: () => "Only a miner assigns: the indices it chooses.",
  help: ({ name }) => `write let ${name} = …`,
});

export const statementInMiner = define<{ statement: string }>({
  code: "DML0146",
  name: "statement-in-miner",
  severity: "error",
  message: ({ statement }) => `a miner has no ${statement}`,
  reason: () => "A miner chooses tuples and keeps nothing; parameters and states belong to losses.",
  help: () => "use let, or move it to the loss",
});

export const equalsForComparison = define({
  code: "DML0147",
  name: "equals-for-comparison",
  severity: "error",
  message: () => "a comparison is written ==",
  reason: () => "= defines a value; inside an expression only a comparison can stand here.",
  help: () => "write ==",
});

export const missingColon = define<{ name: string; value: string }>({
  code: "DML0148",
  name: "missing-colon",
  severity: "error",
  message: ({ name, value }) => `there is no ":" between "${name}" and "${value}"`,
  reason: () => "Settings, named arguments and typed parameters are written NAME: VALUE.",
  help: ({ name, value }) => `write ${name}: ${value}`,
});

// ── Declarations ────────────────────────────────────────────────────────────────────────────────────────────────

export const missingType = define<{ name: string }>({
  code: "DML0150",
  name: "missing-type",
  severity: "error",
  message: ({ name }) => `the parameter "${name}" has no type`,
  reason: () => "A parameter states its type, so that what it is given can be checked.",
  help: ({ name }) => `write ${name}: real`,
});

export const measureOperands = define<{ polarity: string; count: number }>({
  code: "DML0151",
  name: "measure-operands",
  severity: "error",
  message: ({ polarity, count }) =>
    `a ${polarity} takes two vectors, this one ${count === 0 ? "none" : count}`,
  reason: () => "Its first two parameters, without types, are the vectors it compares.",
  help: ({ polarity }) => `write ${polarity} name(u, v) = …`,
});

export const unknownRole = define<{ word: string; nearest: string | undefined; roles: string }>({
  code: "DML0152",
  name: "unknown-primitive-role",
  severity: "error",
  message: ({ word }) => `"${word}" is not a role of a primitive`,
  reason: ({ roles }) => `The roles are ${roles}.`,
  help: ({ nearest }) => (nearest === undefined ? undefined : `did you mean "${nearest}"?`),
});

export const clauseOrder = define<{ clause: string }>({
  code: "DML0153",
  name: "clause-order",
  severity: "error",
  message: ({ clause }) => `"${clause}" stands in the wrong order`,
  reason: () => "A loss entry is NAME: LOSS by LABEL on MINER against MEMORY with PIPELINE, in that order.",
  help: () => "put by first, then on, then against, then with",
});
