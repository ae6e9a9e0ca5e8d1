/** TypeScript to JavaScript by erasing types: the program `node OUT.js` runs is the one people read. */
import { ts } from "ts-morph";

/** The text without its types; comments and formatting are kept as far as the compiler keeps them. */
export function eraseTypes(source: string): string {
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      removeComments: false,
    },
  });
  return outputText;
}
