/**
 * From a path to a module: its syntax tree and the scope its names resolve in. Imports are followed (cycles, missing
 * files and names are reported), the standard library is parsed once for each host. Files come in through the host.
 */
import { budgetExceeded } from "../diagnostics/codes/check.ts";
import {
  duplicateDeclaration,
  importCycle,
  importNotFound,
  importRefused,
  primitiveOutsideLibrary,
  unknownImport,
} from "../diagnostics/codes/resolve.ts";
import { Diagnostics } from "../diagnostics/diagnostic.ts";
import { closest } from "../diagnostics/did_you_mean.ts";
import type { SourceFile } from "../source/source.ts";
import type { Declaration, File, Import } from "../syntax/ast.ts";
import { parse } from "../syntax/parse.ts";
import type { Host } from "./host.ts";
import { nameKindOf, Scope } from "./scope.ts";

export interface Module {
  readonly source: SourceFile;
  readonly file: File;
  /** Own declarations and imports, then the standard library. */
  readonly scope: Scope;
  readonly imports: readonly Module[];
}

export interface StandardLibrary {
  readonly files: readonly File[];
  readonly scope: Scope;
  /** Problems of the library itself; none in a released one. */
  readonly diagnostics: Diagnostics;
}

const libraries = new WeakMap<readonly SourceFile[], StandardLibrary>();

/** The standard library's scope. All its files share one, so that they may use each other. */
export function standardLibrary(host: Host): StandardLibrary {
  const sources = host.standardLibrary();
  let library = libraries.get(sources);
  if (library === undefined) {
    const diagnostics = new Diagnostics();
    const scope = new Scope();
    const files = sources.map((source) => parse(source, diagnostics));
    for (const file of files) declareAll(file, scope, diagnostics);
    libraries.set(sources, (library = { files, scope, diagnostics }));
  }
  return library;
}

/**
 * The module at a path, with everything it imports loaded. `undefined` if the file cannot be read. Every problem is
 * reported; what could be understood is there.
 */
export function loadProgram(host: Host, path: string, diagnostics: Diagnostics): Module | undefined {
  const loader: Loader = { host, diagnostics, loaded: new Map(), loading: [] };
  return load(path, loader);
}

/** As `loadProgram` for a text that is not (or not yet) what the disk holds: an editor's buffer, a test. */
export function loadText(host: Host, source: SourceFile, diagnostics: Diagnostics): Module {
  return loadSource(source, { host, diagnostics, loaded: new Map(), loading: [] });
}

/** Files of one chain of imports, each imported by the one before: what loading them recurses through. */
const CHAIN = 100;

interface Loader {
  readonly host: Host;
  readonly diagnostics: Diagnostics;
  readonly loaded: Map<string, Module>;
  /** Paths of the files being loaded, outermost first. */
  readonly loading: string[];
}

function load(path: string, loader: Loader): Module | undefined {
  const before = loader.loaded.get(path);
  if (before !== undefined) return before;
  const text = loader.host.read(path);
  if (text === undefined) return undefined;
  return loadSource({ path, text, standard: loader.host.isStandard?.(path) ?? false }, loader);
}

function loadSource(source: SourceFile, loader: Loader): Module {
  const file = parse(source, loader.diagnostics);
  const scope = new Scope(standardLibrary(loader.host).scope);
  loader.loading.push(source.path);
  const imports: Module[] = [];
  for (const each of file.imports) {
    const module = importInto(scope, each, source, loader);
    if (module !== undefined && !imports.includes(module)) imports.push(module);
  }
  loader.loading.pop();
  declareAll(file, scope, loader.diagnostics);
  const module = { source, file, scope, imports };
  loader.loaded.set(source.path, module);
  return module;
}

function declareAll(file: File, scope: Scope, diagnostics: Diagnostics): void {
  for (const declaration of file.declarations) {
    const { name } = declaration;
    if (name.text === "") continue;
    if (declaration.kind === "Primitive" && !name.span.file.standard)
      diagnostics.report(primitiveOutsideLibrary, name.span, { name: name.text });
    const before = scope.add(declaration);
    if (before !== undefined)
      diagnostics.report(
        duplicateDeclaration,
        name.span,
        { name: name.text, kind: nameKindOf(declaration) },
        { related: [{ span: before.name.span, label: "the first one" }] },
      );
  }
}

/** Adds what an import names to the scope; the imported module, if it could be loaded. */
function importInto(scope: Scope, node: Import, source: SourceFile, loader: Loader): Module | undefined {
  if (node.from.kind === "Missing") return undefined;
  const specifier = node.from.value;
  const path = loader.host.resolve(source.path, specifier);
  if (typeof path !== "string") {
    loader.diagnostics.report(importRefused, node.from.span, { specifier, why: path.refused });
    return undefined;
  }
  const start = loader.loading.indexOf(path);
  if (start >= 0) {
    const chain = [...loader.loading.slice(start), path];
    loader.diagnostics.report(importCycle, node.from.span, { chain });
    return undefined;
  }
  if (loader.loading.length >= CHAIN && !loader.loaded.has(path)) {
    loader.diagnostics.report(budgetExceeded, node.from.span, {
      what: "Files import each other in a long chain",
      limit: `${CHAIN} files`,
      help: "Import from fewer files; what a file imports need not be passed on through others.",
    });
    return undefined;
  }
  const module = load(path, loader);
  if (module === undefined) {
    loader.diagnostics.report(importNotFound, node.from.span, { specifier, path });
    return undefined;
  }
  for (const name of node.names) {
    const found = module.file.declarations.filter((each) => each.name.text === name.text);
    if (found.length === 0) {
      const suggestion = closest(
        name.text,
        module.file.declarations.map((each) => each.name.text),
      );
      loader.diagnostics.report(unknownImport, name.span, {
        name: name.text,
        path: specifier,
        ...(suggestion === undefined ? {} : { suggestion }),
      });
    }
    for (const declaration of found) addImport(scope, declaration, module.scope, name, loader.diagnostics);
  }
  return module;
}

function addImport(
  scope: Scope,
  declaration: Declaration,
  home: Scope,
  name: Import["names"][number],
  diagnostics: Diagnostics,
): void {
  const before = scope.add(declaration, home);
  if (before !== undefined && before !== declaration)
    diagnostics.report(
      duplicateDeclaration,
      name.span,
      { name: name.text, kind: nameKindOf(declaration) },
      { related: [{ span: before.name.span, label: "the first one" }] },
    );
}
