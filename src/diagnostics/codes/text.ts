/**
 * Codes DML0101 to DML0122: what can be wrong with characters, brackets and lines. Reported by the passes of `src/syntax/`
 * before the parser, and where its bounds are met. Pure data.
 */
import { define } from "../diagnostic.ts";

/** Words as long as a file must not fill a message. */
export const short = (text: string): string => (text.length > 40 ? `${text.slice(0, 39)}…` : text);

// ── Characters, strings, numbers ────────────────────────────────────────────────────────────────────────────────

export const unexpectedCharacter = define<{ character: string; help?: string | undefined }>({
  code: "DML0101",
  name: "unexpected-character",
  severity: "error",
  message: ({ character }) => `the character ${character} does not belong to the language`,
  reason: () => "Programs consist of names, numbers, strings in double quotes and the language's signs.",
  help: ({ help }) => help ?? "remove it, or put it into a string or a comment",
});

export const unterminatedString = define({
  code: "DML0102",
  name: "unterminated-string",
  severity: "error",
  message: () => "this string is never closed",
  reason: () => "A string ends with a double quote on the line where it starts.",
  help: () => 'add the closing "',
});

export const unknownEscape = define<{ escape: string }>({
  code: "DML0103",
  name: "unknown-escape",
  severity: "error",
  message: ({ escape }) => `unknown escape ${escape}`,
  reason: () => 'A string knows the escapes \\" \\\\ \\n \\t \\r and \\u with four hexadecimal digits.',
  help: () => "for a backslash itself write \\\\",
});

export const hiddenDirection = define<{ name: string }>({
  code: "DML0104",
  name: "hidden-direction",
  severity: "error",
  message: ({ name }) => `invisible text-direction character ${name}`,
  reason: () => "Such a character makes a program read differently from how it is compiled.",
  help: () => "remove it",
});

export const numberThenWord = define<{ number: string; word: string }>({
  code: "DML0105",
  name: "number-then-word",
  severity: "error",
  message: ({ number, word }) => `"${short(word)}" follows the number ${short(number)} without an operator`,
  reason: () => "A product is written with *; only deg, rad and x may be glued to a number, as units.",
  help: ({ number, word }) => `write ${short(number)} * ${short(word)}`,
});

export const dotWithoutDigit = define<{ text: string }>({
  code: "DML0106",
  name: "dot-without-digit",
  severity: "error",
  message: () => "a decimal point needs a digit on both sides",
  reason: () => "A lone dot is no sign of the language; 0..n is a range.",
  help: ({ text }) => `write ${text}`,
});

export const unitOutOfPlace = define<{ unit: string }>({
  code: "DML0107",
  name: "unit-out-of-place",
  severity: "error",
  message: ({ unit }) => `the unit "${unit}" does not stand in a formula`,
  reason: () => "classes, samples, steps and epochs count things in settings; a formula has plain numbers.",
  help: () => "write the number alone",
});

export const unknownUnit = define<{ word: string; nearest: string | undefined }>({
  code: "DML0108",
  name: "unknown-unit",
  severity: "error",
  message: ({ word }) => `"${short(word)}" is not a unit`,
  reason: () => "After a number stand classes, samples, steps or epochs, or a comma and the next entry.",
  help: ({ nearest }) => (nearest === undefined ? "remove the word" : `did you mean "${nearest}"?`),
});

export const numberTooLarge = define({
  code: "DML0109",
  name: "number-too-large",
  severity: "error",
  message: () => "this number is too large to be computed with",
  reason: () => "Numbers are doubles, whose largest is about 1.8e308; this one would become infinite.",
  help: () => "write a smaller one",
});

// ── Brackets and bounds ─────────────────────────────────────────────────────────────────────────────────────────

export const unclosedBracket = define<{ open: string; close: string }>({
  code: "DML0110",
  name: "unclosed-bracket",
  severity: "error",
  message: ({ open }) => `this "${open}" is never closed`,
  reason: ({ open, close }) => `Every "${open}" needs its "${close}".`,
  help: ({ close }) => `add a "${close}"`,
});

export const unopenedBracket = define<{ close: string }>({
  code: "DML0111",
  name: "unopened-bracket",
  severity: "error",
  message: ({ close }) => `this "${close}" closes nothing`,
  reason: () => "No bracket of its kind is open here.",
  help: () => "remove it, or add the bracket it was meant to close",
});

export const nestingTooDeep = define<{ limit: number }>({
  code: "DML0112",
  name: "nesting-too-deep",
  severity: "error",
  message: ({ limit }) => `brackets and conditions are nested more than ${limit} deep`,
  reason: () => "The bound keeps every stage of the compiler within its memory.",
  help: () => "name parts of the expression with let",
});

export const expressionTooDeep = define<{ limit: number }>({
  code: "DML0113",
  name: "expression-too-deep",
  severity: "error",
  message: ({ limit }) => `this expression is a chain of more than ${limit} operations`,
  reason: () => "The bound keeps every stage of the compiler within its memory.",
  help: () => "split it with let, or write the repetition as a reduction such as sum[i]",
});

export const tooManyErrors = define<{ limit: number }>({
  code: "DML0114",
  name: "too-many-syntax-errors",
  severity: "error",
  message: ({ limit }) => `more than ${limit} syntax errors; the rest is not shown`,
  reason: () => "After so many errors the later ones are mostly consequences of the earlier.",
  help: () => "correct the first ones and try again",
});

// ── Lines ───────────────────────────────────────────────────────────────────────────────────────────────────────

export const lineEnded = define<{ statement: string; sign: string }>({
  code: "DML0120",
  name: "line-ended",
  severity: "error",
  message: ({ statement, sign }) =>
    `the ${statement} above ended with its line; "${sign}" cannot continue it`,
  reason: () => "let, param, state and assignments end with their line unless a bracket is open.",
  help: () => "put the whole value into parentheses, or write it on one line",
});

export const lineNotEnded = define<{ statement: string; found: string }>({
  code: "DML0121",
  name: "line-not-ended",
  severity: "error",
  message: ({ statement, found }) => `${found} stands on the line of a ${statement} that is complete`,
  reason: () => "let, param, state and assignments end with their line, and what follows starts on the next.",
  help: () => "start a new line here, or add the missing operator",
});

export const bracketOnNextLine = define<{ bracket: string }>({
  code: "DML0122",
  name: "bracket-on-next-line",
  severity: "error",
  message: ({ bracket }) => `this "${bracket}" does not belong to the name on the line above`,
  reason: () =>
    "The ( of a call, the [ of an index and the { of its block stand on the line of what they follow.",
  help: ({ bracket }) => `move the "${bracket}" to the end of the line above`,
});
