/**
 * The project's TextMate grammar, ready to take lines apart as editors do. Called by `highlight.ts` and by the test of the
 * grammar. Reads Oniguruma's WebAssembly.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import oniguruma from "vscode-oniguruma";
import textmate from "vscode-textmate";

/** @param text of `dml.tmLanguage.json` */
export async function textmateGrammar(text: string): Promise<textmate.IGrammar> {
  const wasm = createRequire(import.meta.url).resolve("vscode-oniguruma/release/onig.wasm");
  await oniguruma.loadWASM(readFileSync(wasm));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (line) => new oniguruma.OnigString(line),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(text, "dml.tmLanguage.json"),
  });
  return (await registry.loadGrammar("source.dml"))!;
}
