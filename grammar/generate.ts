/**
 * Writes what is generated from the token vocabulary: the editor grammar, and its copy in the VS Code extension.
 * Run by `npm run generate` from the project's root.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { textmateText } from "./textmate.ts";

const targets = ["grammar/dml.tmLanguage.json", "grammar/vscode/syntaxes/dml.tmLanguage.json"];

for (const target of targets) {
  const path = join(process.cwd(), target);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, textmateText());
}
