/**
 * Numbers, strings and the other expressions of one token: concrete tree to syntax tree. Called by the builder of
 * expressions.
 */
import type { CstNode, IToken } from "chevrotain";
import { wordUnits } from "../../grammar/tokens.ts";
import * as codes from "../diagnostics/codes/text.ts";
import { join, span } from "../source/source.ts";
import type { Expression, Unit } from "./ast.ts";
import { missing, token, tokenSpan, type Building } from "./cst.ts";

/** A number with the unit glued to it, or with the word after it. */
export function numberLiteral(building: Building, number: IToken, unit: IToken | undefined): Expression {
  const digits = /^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/.exec(number.image)?.[0] ?? "";
  const glued = number.image.slice(digits.length);
  const word = unit === undefined ? glued : wordUnits[unit.image as keyof typeof wordUnits];
  const place = tokenSpan(building, number);
  if (!Number.isFinite(Number(digits))) building.diagnostics.report(codes.numberTooLarge, place, {});
  return {
    kind: "Number",
    span: unit === undefined ? place : join(place, tokenSpan(building, unit)),
    value: Number(digits),
    ...(word === "" ? {} : { unit: word as Unit }),
    integer: /^\d+$/.test(digits),
  };
}

/** The value of a `literal` node. */
export function literal(building: Building, cst: CstNode, fallback: number): Expression {
  const number = token(cst, "PlainNumber", "ScaledNumber");
  if (number !== undefined) return numberLiteral(building, number, token(cst, "WordUnit"));
  const size = token(cst, "Size");
  if (size !== undefined) {
    const [width, height] = size.image.split("x").map(Number);
    if (width === Infinity || height === Infinity)
      building.diagnostics.report(codes.numberTooLarge, tokenSpan(building, size), {});
    return { kind: "Size", span: tokenSpan(building, size), width: width ?? 0, height: height ?? 0 };
  }
  const text = token(cst, "Text");
  if (text !== undefined)
    return { kind: "String", span: tokenSpan(building, text), value: stringValue(building, text) };
  const bool = token(cst, "True", "False");
  if (bool !== undefined)
    return { kind: "Bool", span: tokenSpan(building, bool), value: bool.image === "true" };
  const hole = token(cst, "Hole");
  if (hole !== undefined) return { kind: "Hole", span: tokenSpan(building, hole) };
  return missing(building, fallback);
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", '"': '"', "\\": "\\" };

/** A string's characters, escapes resolved; an unknown escape is reported and kept as it is written. */
export function stringValue(building: Building, text: IToken): string {
  const closed = text.image.length > 1 && text.tokenType.name === "Text";
  const inner = text.image.slice(1, closed ? -1 : undefined);
  return inner.replace(/\\(?:u[0-9a-fA-F]{4}|[^]|$)/g, (escape: string, offset: number) => {
    const letter = escape.slice(1);
    if (letter.length === 5) return String.fromCharCode(Number.parseInt(letter.slice(1), 16));
    const known = Object.hasOwn(escapes, letter) ? escapes[letter] : undefined;
    if (known !== undefined || letter === "") return known ?? "";
    const start = text.startOffset + 1 + offset;
    const place = span(building.file, start, start + escape.length);
    building.diagnostics.report(codes.unknownEscape, place, { escape });
    return escape;
  });
}
