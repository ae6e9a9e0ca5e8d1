/**
 * Programs as HTML, coloured by the project's own TextMate grammar: the one that editors use. Called by `markdown.ts` and
 * `reference.ts`. Reads the grammar's file.
 */
import { readFileSync } from "node:fs";
import textmate from "vscode-textmate";
import { escaped } from "./html.ts";
import { textmateGrammar } from "./textmate_grammar.ts";

/** A program's text as HTML, a `span` for each token that has a colour. */
export type Highlighter = (text: string) => string;

/** The colours of style.css by the beginnings of scopes; the first that fits. */
const COLOURS: readonly (readonly [scope: string, colour: string])[] = [
  ["comment.line.documentation", "doc"],
  ["comment", "comment"],
  ["string", "text"],
  ["constant.numeric", "number"],
  ["constant.language", "number"],
  ["support.function.reduction", "reduction"],
  ["storage", "keyword"],
  ["keyword.control", "keyword"],
  ["keyword.operator.logical", "keyword"],
  ["keyword.operator.domain", "keyword"],
  ["keyword.operator", "operator"],
];

/** `grammar`: the path of `dml.tmLanguage.json`. */
export async function highlighter(grammar: string): Promise<Highlighter> {
  const dml = await textmateGrammar(readFileSync(grammar, "utf8"));
  return (text) => {
    let state = textmate.INITIAL;
    return text
      .replace(/\n$/, "")
      .split("\n")
      .map((line) => {
        const { tokens, ruleStack } = dml.tokenizeLine(line, state);
        state = ruleStack;
        return tokens
          .map(({ startIndex, endIndex, scopes }) => {
            const part = escaped(line.slice(startIndex, endIndex));
            const colour = colourOf(scopes);
            return colour === undefined ? part : `<span class="c-${colour}">${part}</span>`;
          })
          .join("");
      })
      .join("\n");
  };
}

function colourOf(scopes: readonly string[]): string | undefined {
  return COLOURS.find(([prefix]) => scopes.some((scope) => scope.startsWith(prefix)))?.[1];
}
