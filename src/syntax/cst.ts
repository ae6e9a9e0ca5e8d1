/**
 * Reading a Chevrotain concrete tree that may be the result of recovery: every child may be absent, tokens inserted by
 * the parser have no place in the text, and positions may be NaN. Used by the builders of the syntax tree only.
 */
import type { CstElement, CstNode, IToken } from "chevrotain";
import type { DiagnosticDefinition } from "../diagnostics/diagnostic.ts";
import { span, type SourceFile, type Span } from "../source/source.ts";
import type { Expression, Identifier, Missing } from "./ast.ts";
import type { SyntaxReport } from "./report.ts";

/** What the builders share while they make one file's tree. */
export interface Building {
  readonly file: SourceFile;
  readonly diagnostics: SyntaxReport;
  /** The doc comment that ends on the line above the given 1-based line. */
  readonly docAbove: (line: number) => string | undefined;
  /** How deep the tree under each expression is; see `operators.ts`. */
  readonly depths: WeakMap<object, number>;
  /** Reports what only an intact tree can be blamed for. */
  readonly reportUndisturbed: <Arguments>(
    definition: DiagnosticDefinition<Arguments>,
    place: Span,
    args: Arguments,
  ) => void;
}

const isNode = (element: CstElement): element is CstNode => "children" in element;

export function nodes(parent: CstNode, key: string): CstNode[] {
  return (parent.children[key] ?? []).filter(isNode);
}

export function node(parent: CstNode, key: string, position = 0): CstNode | undefined {
  return nodes(parent, key)[position];
}

/** Tokens that stand in the text; those the parser inserted to go on are left out. */
export function tokens(parent: CstNode, key: string): IToken[] {
  return (parent.children[key] ?? []).filter(
    (element): element is IToken => !isNode(element) && element.isInsertedInRecovery !== true,
  );
}

export function token(parent: CstNode, ...keys: string[]): IToken | undefined {
  for (const key of keys) {
    const found = tokens(parent, key)[0];
    if (found !== undefined) return found;
  }
  return undefined;
}

export function tokenSpan(building: Building, place: IToken): Span {
  return span(building.file, place.startOffset, place.startOffset + place.image.length);
}

/** The characters of a node; an empty span at `fallback` when recovery left none. */
export function nodeSpan(building: Building, place: CstNode | undefined, fallback: number): Span {
  const start = place?.location?.startOffset ?? NaN;
  const end = (place?.location?.endOffset ?? NaN) + 1;
  if (!Number.isFinite(start) || !Number.isFinite(end) || end < start) return emptySpan(building, fallback);
  return span(building.file, start, end);
}

export function emptySpan(building: Building, offset: number): Span {
  const at = Math.max(0, Math.min(offset, building.file.text.length));
  return span(building.file, at, at);
}

export function missing(building: Building, offset: number): Missing {
  return { kind: "Missing", span: emptySpan(building, offset) };
}

/** An identifier; of empty text, at `fallback`, where the parser found none. */
export function identifier(building: Building, found: IToken | undefined, fallback: number): Identifier {
  if (found === undefined) return { kind: "Identifier", text: "", span: emptySpan(building, fallback) };
  return { kind: "Identifier", text: found.image, span: tokenSpan(building, found) };
}

/** The identifiers of a `names` node. */
export function names(building: Building, list: CstNode | undefined): Identifier[] {
  if (list === undefined) return [];
  return tokens(list, "Identifier").map((found) => identifier(building, found, 0));
}

/** How deep an expression's tree is; one for a leaf. */
export function depthOf(building: Building, expression: Expression): number {
  return building.depths.get(expression) ?? 1;
}

/** Records the depth of `expression` from the parts it was made of, and gives it back. */
export function sized<E extends Expression>(
  building: Building,
  expression: E,
  parts: readonly Expression[],
): E {
  let depth = 0;
  for (const part of parts) depth = Math.max(depth, depthOf(building, part));
  building.depths.set(expression, depth + 1);
  return expression;
}
