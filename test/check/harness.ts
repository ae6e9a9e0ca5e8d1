/** Programs in memory over the real standard library, for tests of resolving and checking. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkFile, type Checked } from "../../src/compile.ts";
import { Diagnostics, type Diagnostic } from "../../src/diagnostics/diagnostic.ts";
import { memoryHost, type Host } from "../../src/resolve/host.ts";
import { loadProgram, type Module } from "../../src/resolve/modules.ts";
import { textOf, type SourceFile } from "../../src/source/source.ts";

const folder = fileURLToPath(new URL("../../stdlib", import.meta.url));

export const library: readonly SourceFile[] = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".dml"))
  .sort()
  .map((name) => ({
    path: `stdlib/${name}`,
    text: readFileSync(join(folder, name), "utf8"),
    standard: true,
  }));

export function host(files: Readonly<Record<string, string>>): Host {
  return memoryHost(files, library);
}

export function load(text: string): { module: Module; diagnostics: Diagnostics } {
  const diagnostics = new Diagnostics();
  const module = loadProgram(host({ "main.dml": text }), "main.dml", diagnostics)!;
  return { module, diagnostics };
}

export function check(files: string | Readonly<Record<string, string>>): Checked {
  return checkFile(host(typeof files === "string" ? { "main.dml": files } : files), "main.dml")!;
}

/** `DML0210 "margn"`: code and marked characters of each diagnostic. */
export function marks(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map((each) => `${each.code} ${textOf(each.span)}`);
}
