/**
 * What must hold for any text whatever: it is checked without a throw, every diagnostic has a place in its file and
 * something to say, and a text without errors becomes a program that holds the text in literals and comments alone.
 * Used by the tests of hostile specs, by the fuzzing tests, and by `npm run fuzz`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ts } from "ts-morph";
import { ownPackage } from "../../src/cli/package.ts";
import { checkText, emitModel } from "../../src/compile.ts";
import type { Diagnostic } from "../../src/diagnostics/diagnostic.ts";
import { renderGithub } from "../../src/diagnostics/render/github.ts";
import { renderJson } from "../../src/diagnostics/render/json.ts";
import { renderPretty } from "../../src/diagnostics/render/pretty.ts";
import { renderSarif } from "../../src/diagnostics/render/sarif.ts";
import { memoryHost } from "../../src/resolve/host.ts";
import type { SourceFile } from "../../src/source/source.ts";

const folder = join(ownPackage().root, "stdlib");
const library: readonly SourceFile[] = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".dml"))
  .sort()
  .map((name) => ({
    path: `stdlib/${name}`,
    text: readFileSync(join(folder, name), "utf8"),
    standard: true,
  }));

/** Words that a hostile text carries: as code they would be identifiers of the program. */
export const marker = "hostile_marker";

export interface Survival {
  readonly diagnostics: readonly Diagnostic[];
  /** The programs of the models of a text without errors. */
  readonly programs: readonly string[];
}

/** Checks a text, and emits its models if asked and it has no errors. Throws an `Error` that says what does not hold. */
export async function survive(
  text: string,
  options: { readonly emit?: boolean; readonly files?: Readonly<Record<string, string>> } = {},
): Promise<Survival> {
  const source: SourceFile = { path: "main.dml", text, standard: false };
  const { diagnostics, models } = checkText(memoryHost(options.files ?? {}, library), source);
  soundDiagnostics(diagnostics);
  const found = [...diagnostics];
  const programs: string[] = [];
  if (options.emit === true && !diagnostics.some(({ severity }) => severity === "error"))
    for (const model of models) {
      const emitted = await emitModel(model, { specFile: "main.dml", specHash: "0", compiler: "dmlc" });
      if ("text" in emitted) {
        soundProgram(emitted.text);
        programs.push(emitted.text);
      } else {
        soundDiagnostics(emitted.diagnostics);
        if (emitted.diagnostics.length === 0) throw new Error("a model is refused without a diagnostic");
        found.push(...emitted.diagnostics);
      }
    }
  return { diagnostics: found, programs };
}

function soundDiagnostics(diagnostics: readonly Diagnostic[]): void {
  for (const diagnostic of diagnostics) {
    const { code, message, reason, help, label, span, related } = diagnostic;
    if (span.file.standard) throw new Error(`${code} is reported inside the standard library: ${message}`);
    for (const place of [span, ...related.map((each) => each.span)])
      if (!(0 <= place.start && place.start <= place.end && place.end <= place.file.text.length))
        throw new Error(`${code} lies outside its file: ${place.start} to ${place.end}`);
    for (const said of [message, reason, ...(help === undefined ? [] : [help])])
      if (said.trim() === "" || /\bundefined\b|\bNaN\b|\[object /.test(withoutQuotes(said)))
        throw new Error(`${code} says ${JSON.stringify(said)}`);
    if (label === "" || related.some((each) => each.label === ""))
      throw new Error(`${code} has an empty label`);
  }
  // No renderer may fail on, or be taken over by, what the others can show.
  for (const diagnostic of diagnostics.slice(0, 50)) {
    if (/[\u202a-\u202e\u2066-\u2069]/.test(renderPretty(diagnostic, (_, text) => text)))
      throw new Error(`${diagnostic.code} shows a hidden character`);
    if (renderGithub([diagnostic]).split("\n").length !== 2)
      throw new Error("more than one workflow command");
  }
  JSON.parse(renderJson(diagnostics));
  JSON.parse(renderSarif(diagnostics, { version: "0.0.0", pages: { page: () => undefined } }));
}

/** Names of a spec may be such words; those of the compiler's own values may not. */
function withoutQuotes(said: string): string {
  return said.replace(/`[^`]*`|"[^"]*"|\.\/[^ ]*/g, "");
}

/** The identifiers of emitted programs that would reach beyond the runtime they import. */
const forbidden = new Set(["eval", "Function", "process", "require", "globalThis", "fetch", "document"]);

/** A program is TypeScript, and what a spec marks stands in its literals and comments alone. */
export function soundProgram(program: string): void {
  const source = ts.createSourceFile("program.ts", program, ts.ScriptTarget.ES2023, true, ts.ScriptKind.TS);
  const { parseDiagnostics } = source as unknown as { parseDiagnostics: readonly ts.Diagnostic[] };
  const [first] = parseDiagnostics;
  if (first !== undefined)
    throw new Error(
      `the program is no TypeScript: ${ts.flattenDiagnosticMessageText(first.messageText, " ")}`,
    );
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) soundIdentifier(node);
    if (ts.isTemplateExpression(node)) throw new Error("the program has a template");
    ts.forEachChild(node, visit);
  };
  visit(source);
  if (/[\p{Cf}\p{Zl}\p{Zp}]/u.test(program)) throw new Error("the program has a hidden character");
}

function soundIdentifier(node: ts.Identifier): void {
  if (node.text.includes(marker)) throw new Error(`${node.text} is an identifier of the program`);
  const { parent } = node;
  const named =
    (ts.isPropertyAssignment(parent) && parent.name === node) ||
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    (ts.isPropertySignature(parent) && parent.name === node);
  if (!named && forbidden.has(node.text)) throw new Error(`the program uses ${node.text}`);
  const prototype = node.text === "__proto__" || node.text === "constructor";
  if (prototype && ts.isPropertyAccessExpression(parent)) throw new Error(`the program reads .${node.text}`);
  if (node.text === "__proto__" && ts.isPropertyAssignment(parent) && parent.name === node)
    throw new Error("the program sets a prototype");
}
