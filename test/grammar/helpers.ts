/** What the tests of the surface share. */
import { Diagnostics, type Diagnostic } from "../../src/diagnostics/diagnostic.ts";
import { textOf } from "../../src/source/source.ts";
import type { Expression, File } from "../../src/syntax/ast.ts";
import { parse } from "../../src/syntax/parse.ts";

export interface Parsed {
  readonly tree: File;
  readonly diagnostics: readonly Diagnostic[];
}

export function parseText(text: string): Parsed {
  const diagnostics = new Diagnostics();
  const tree = parse({ path: "test.dml", text, standard: false }, diagnostics);
  return { tree, diagnostics: diagnostics.all };
}

/** Code and marked text of each diagnostic. */
export function marks(text: string): string[] {
  return parseText(text).diagnostics.map(({ code, span }) => `${code} ${textOf(span)}`);
}

/** The formula of a loss whose body is `text`; throws on any diagnostic. */
export function formula(text: string): Expression {
  const { tree, diagnostics } = parseText(`loss l() {\n  ${text}\n}\n`);
  const [declaration] = tree.declarations;
  if (diagnostics.length > 0)
    throw new Error(diagnostics.map(({ code, message }) => `${code} ${message}`).join("; "));
  if (declaration?.kind !== "Loss") throw new Error("no loss");
  return declaration.body;
}

/** The value of the one setting of a model; throws on any diagnostic. */
export function setting(text: string): Expression {
  const { tree, diagnostics } = parseText(`model m {\n  a: ${text}\n}\n`);
  const [declaration] = tree.declarations;
  if (diagnostics.length > 0)
    throw new Error(diagnostics.map(({ code, message }) => `${code} ${message}`).join("; "));
  if (declaration?.kind !== "Model") throw new Error("no model");
  const value = declaration.settings.entries[0]?.value;
  if (value === undefined || declaration.settings.entries.length !== 1) throw new Error("not one setting");
  return value;
}

/** A tree without its spans. */
export function bare(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(bare);
  if (typeof node !== "object" || node === null) return node;
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key, value]) => key !== "span" && key !== "opSpan" && value !== undefined)
      .map(([key, value]) => [key, bare(value)]),
  );
}

/** An expression with a pair of parentheses around every operation. */
export function grouped(e: Expression): string {
  switch (e.kind) {
    case "Binary":
      return `(${grouped(e.left)} ${e.op} ${grouped(e.right)})`;
    case "Unary":
      return `(${e.op} ${grouped(e.operand)})`;
    case "If":
      return `(if ${grouped(e.condition)} then ${grouped(e.then)} else ${grouped(e.else)})`;
    case "Reduction":
      return `(${e.op} ${e.bodies.map(grouped).join(", ")})`;
    case "Call":
      return `${e.callee.text}(${e.arguments.map(({ value }) => grouped(value)).join(", ")})`;
    case "Index":
      return `${grouped(e.target)}[${e.indices.map(grouped).join(", ")}]`;
    case "Pipeline":
      return `(${e.stages.map(grouped).join(" |> ")})`;
    case "Name":
      return e.text;
    case "Number":
      return `${e.value}${e.unit ?? ""}`;
    default:
      return e.kind;
  }
}
