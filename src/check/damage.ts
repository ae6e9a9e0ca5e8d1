/**
 * The law against follow-on errors: where a text does not parse, the tree from the line of a declaration's first syntax
 * error on is a guess, so what is said of it is kept only if it stands above that line and does not speak of something
 * that is missing. Other declarations are not affected. Pure.
 */
import { Diagnostics, type Diagnostic } from "../diagnostics/diagnostic.ts";
import { lineStarts, position, textOf, type SourceFile } from "../source/source.ts";
import type { Declaration, File } from "../syntax/ast.ts";

/** Syntax errors after which the tree is what was meant: the parser knew what to read instead. */
const understood: ReadonlySet<string> = new Set([
  "equals-for-colon",
  "chained-comparison",
  "condition-in-operator",
  "not-in-operator",
  "assignment-in-loss",
  "statement-in-miner",
  "equals-for-comparison",
  "measure-operands",
  "clause-order",
  "reserved-word",
]);

/** Diagnostics that say something is not there: it may be what could not be read. */
const ofAbsence: ReadonlySet<string> = new Set([
  "missing-argument",
  "missing-setting",
  "malformed-setting",
  "index-without-domain",
  "unused-name",
  "unreached-param",
  "malformed-declaration",
  "loss-not-combined",
  "losses-not-combined",
  "impossible-batch",
  "compress-too-wide",
]);

/** Diagnostics that depend on another declaration's settings. */
const ofOthers: ReadonlySet<string> = new Set(["select-without-validation"]);

/** Diagnostics that a declaration that could not be read at all gives elsewhere. */
const ofNames: ReadonlySet<string> = new Set(["unknown-name", "wrong-kind-of-name", "unknown-import"]);

export interface Damage {
  /** Where the sound part of a declaration ends (the line of its first syntax error); `undefined` for one without a syntax error. */
  soundUntil(declaration: Declaration): number | undefined;
  /** Whether some text of the file belongs to no declaration, or to one without a name. */
  readonly namesLost: boolean;
  /** Names that an import should have brought. */
  readonly notImported: ReadonlySet<string>;
  readonly any: boolean;
}

/** What the syntax errors of a file have spoilt. */
export function damageOf(file: File, source: SourceFile, diagnostics: Diagnostics): Damage {
  const places = diagnostics.all
    .filter(({ code, name, span }) => span.file === source && isSyntax(code) && !understood.has(name))
    .map(({ span }) => span.start);
  const starts = file.declarations.map(({ span }) => span.start);
  /** The declaration that a place belongs to: the last one that starts before it. */
  const ownerOf = (place: number): number => starts.findLastIndex((start) => start <= place);
  const first = new Map<Declaration, number>();
  const notImported = failedImports(file, diagnostics);
  let namesLost = file.declarations.some(({ name }) => name.text === "");
  for (const place of places) {
    const owner = file.declarations[ownerOf(place)];
    if (owner === undefined) {
      namesLost = true;
      continue;
    }
    // Text after a declaration's end: a bracket of that declaration is probably missing, so none of it can be relied on.
    const outside = place >= owner.span.end;
    namesLost ||= outside;
    const sound = outside ? owner.span.start : lineStart(source, place);
    first.set(owner, Math.min(sound, first.get(owner) ?? Infinity));
  }
  return {
    soundUntil: (declaration) => first.get(declaration),
    namesLost,
    notImported,
    any: places.length > 0 || notImported.size > 0,
  };
}

/** The names of imports that failed, and of those that the imported file does not declare. */
function failedImports(file: File, diagnostics: Diagnostics): ReadonlySet<string> {
  const failed = diagnostics.all.filter(
    ({ name }) => name.startsWith("import-") || name === "unknown-import",
  );
  const names = new Set<string>();
  for (const { from, names: wanted } of file.imports)
    for (const name of wanted)
      if (failed.some(({ span }) => span === from.span || span === name.span)) names.add(name.text);
  return names;
}

function lineStart(source: SourceFile, offset: number): number {
  return lineStarts(source)[position(source, offset).line - 1] ?? 0;
}

/** Runs a check of one declaration and passes on what can be relied on. */
export function checkSound<Result>(
  declaration: Declaration,
  damage: Damage,
  diagnostics: Diagnostics,
  check: (diagnostics: Diagnostics) => Result,
): Result {
  const soundUntil = damage.soundUntil(declaration);
  if (!damage.any) return check(diagnostics);
  const own = new Diagnostics();
  const result = check(own);
  for (const each of own.all) if (isReliable(each, declaration, soundUntil, damage)) diagnostics.add(each);
  return result;
}

function isReliable(
  { name, span }: Diagnostic,
  declaration: Declaration,
  soundUntil: number | undefined,
  damage: Damage,
): boolean {
  if (ofNames.has(name) && (damage.namesLost || damage.notImported.has(textOf(span)))) return false;
  if (ofOthers.has(name)) return false;
  if (soundUntil === undefined || span.file !== declaration.span.file) return true;
  // A misspelt reduction is what its syntax errors come from.
  if (name === "unknown-reduction") return true;
  return span.end <= soundUntil && !ofAbsence.has(name);
}

const isSyntax = (code: string): boolean => code.startsWith("DML01");
