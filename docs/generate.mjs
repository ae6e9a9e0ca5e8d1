/**
 * Fills the README's blocks of emitted code and of messages, from the spec that it shows: the fenced block after each
 * `<!-- generated: WHAT -->`. Writes docs/reference.md, the list of the standard library. Run by `npm run generate`, after a
 * build.
 */
import prettier from "prettier";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeHost } from "../dist/src/cli/host.js";
import { checkText, emitModel } from "../dist/src/compile.js";
import { renderPretty } from "../dist/src/diagnostics/render/pretty.js";
import { explainDeclaration } from "../dist/src/explain/declaration.js";
import { groupsOf } from "../dist/src/explain/groups.js";
import { standardLibrary } from "../dist/src/resolve/modules.js";

const path = join(fileURLToPath(new URL("..", import.meta.url)), "README.md");
const readme = readFileSync(path, "utf8");
const spec = /^```dml\n([^]*?)^```/m.exec(readme)[1];
const host = nodeHost(path);

/** The spec's only model, or what is wrong with a text. */
const check = (text) => checkText(host, { path: "spec.dml", text, standard: false });
const { text: program } = await emitModel(check(spec).models[0], {
  specFile: "spec.dml",
  specHash: "0".repeat(64),
  compiler: "dmlc",
});

const dedented = (text) => text.replace(/^ {2}/gm, "");
/** What each mark stands for. */
const contents = {
  /** The statements of the first loss. */
  loss: () => dedented(/^ {2}\/\/ near: pairs[^]*?^(?=\n {2}\/\/ class: normalized)/m.exec(program)[0]),
  /** The function `combine`. */
  combine: () => /^function combine[^]*?^\}\n/m.exec(program)[0],
  /** The diagnostic of a misspelt parameter. */
  message: () => {
    const { diagnostics } = check(spec.replace("near: pairs(margin:", "near: pairs(margn:"));
    return `${renderPretty(diagnostics[0], (_, text) => text).trimEnd()}\n`;
  },
};

const filled = readme.replace(
  /(<!-- generated: (\w+) -->\n+```\w+\n)[^]*?(^```$)/gm,
  (_, before, what, after) => `${before}${contents[what]()}${after}`,
);
if (filled !== readme) writeFileSync(path, filled);

/** One line a declaration, group by group. */
const list = groupsOf(standardLibrary(host).scope).map(({ title, about, entries }) => {
  const lines = entries.map(({ declaration }) => {
    const { name, summary, file } = explainDeclaration(declaration);
    return `- [\`${name}\`](../${file}): ${summary}`;
  });
  return `## ${title}\n\n${about}\n\n${lines.join("\n")}\n`;
});
const reference = `# Reference

Everything in the standard library, in one line each; this page is generated from the doc comments. \`npx dmlc explain NAME\` says more: parameters with their ranges and defaults, the formula, and what the compiler finds out about it. \`npm run docs\` builds the same as a site in \`site/\`, with formulas as on paper and pictures of the losses.

${list.join("\n")}`;
const formatted = await prettier.format(reference, { parser: "markdown", printWidth: 110 });
const target = fileURLToPath(new URL("reference.md", import.meta.url));
writeFileSync(target, formatted);
