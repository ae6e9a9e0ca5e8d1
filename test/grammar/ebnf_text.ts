/**
 * The parser's own rules as EBNF text, for the comparison with `grammar/dml.ebnf`.
 */
import {
  Alternation,
  Alternative,
  NonTerminal,
  Option,
  Repetition,
  RepetitionMandatory,
  RepetitionMandatoryWithSeparator,
  RepetitionWithSeparator,
  Terminal,
  type IProduction,
  type Rule,
  type TokenType,
} from "chevrotain";

/** Token classes as the EBNF names them; every other token stands there as its own text. */
export const classNames: Readonly<Record<string, string>> = {
  Identifier: "NAME",
  PlainNumber: "NUMBER",
  ScaledNumber: "SCALED_NUMBER",
  Size: "SIZE",
  Text: "STRING",
  WordUnit: "UNIT",
  LineEnd: "LINE_END",
  BinaryOperator: "OPERATOR",
  ArithmeticOperator: "ARITHMETIC",
  OrderOperator: "ORDER",
  PrefixReduction: "REDUCTION",
  CallReduction: "CALL_REDUCTION",
};

export function tokenText(type: TokenType): string {
  const { PATTERN } = type;
  return classNames[type.name] ?? `"${PATTERN instanceof RegExp ? PATTERN.source : String(PATTERN)}"`;
}

/** A rule's right-hand side. */
export function ruleText(rule: Rule): string {
  return sequence(rule.definition);
}

function sequence(parts: readonly IProduction[]): string {
  return parts.map(production).join(" ");
}

function production(part: IProduction): string {
  if (part instanceof NonTerminal) return part.nonTerminalName;
  if (part instanceof Terminal) return tokenText(part.terminalType);
  if (part instanceof Option) return `[ ${sequence(part.definition)} ]`;
  if (part instanceof Repetition) return `{ ${sequence(part.definition)} }`;
  if (part instanceof RepetitionMandatory) {
    const inner = sequence(part.definition);
    return `${inner} { ${inner} }`;
  }
  if (part instanceof RepetitionWithSeparator || part instanceof RepetitionMandatoryWithSeparator) {
    const inner = sequence(part.definition);
    const list = `${inner} { ${tokenText(part.separator)} ${inner} }`;
    return part instanceof RepetitionWithSeparator ? `[ ${list} ]` : list;
  }
  if (part instanceof Alternation) return `( ${part.definition.map(production).join(" | ")} )`;
  if (part instanceof Alternative) return sequence(part.definition);
  throw new Error(`unknown production ${part.constructor.name}`);
}
