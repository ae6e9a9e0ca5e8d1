/**
 * Reference pages of the standard library: one for each declaration, from its doc comment, its signature, and what the
 * compiler finds out about it (src/explain, which `dmlc explain` prints); and the page that lists them.
 */
import katex from "katex";
import { writeCitation } from "../../src/explain/documentation.ts";
import { exampleOf } from "../../src/explain/example.ts";
import { SIZES } from "../../src/explain/facts.ts";
import type { Entry, Group } from "../../src/explain/groups.ts";
import { explainDeclaration } from "../../src/explain/declaration.ts";
import { explained } from "../../src/explain/lookup.ts";
import type { Explained } from "../../src/explain/lookup.ts";
import { displayOf, formulaToTex, legend } from "../../src/explain/tex/formula.ts";
import type { NameKind } from "../../src/resolve/scope.ts";
import { InterpretError } from "../../src/interpret/index.ts";
import { curvesOf } from "../../src/plot/curves.ts";
import { captionOf, lossPictures } from "../../src/plot/picture.ts";
import { textOf } from "../../src/source/source.ts";
import type { Declaration } from "../../src/syntax/ast.ts";
import type { Highlighter } from "./highlight.ts";
import { between, escaped } from "./html.ts";
import { inlineMarkdown } from "./markdown.ts";

export const REFERENCE = "reference/index.html";

/** Where the page of a declaration stands in the site. */
export function pathOf({ kind, name }: Pick<Entry, "kind" | "name">): string {
  return `reference/${kind}/${name}.html`;
}

/** Makes links of the names of the library within HTML of the page of an entry. */
export type Linker = (html: string, from: Entry) => string;

/** Kinds in which a name is looked for where its place does not say which it is. */
const LINKED: readonly NameKind[] = ["loss", "measure", "miner", "strategy", "layer", "backbone"];

/** `<code>triplet</code>` becomes a link, unless it is the entry itself or one of its parameters. */
export function linkerOf(groups: readonly Group[]): Linker {
  const entries = groups.flatMap((group) => group.entries);
  const known = new Map<string, Entry>();
  for (const kind of LINKED.toReversed())
    for (const entry of entries) if (entry.kind === kind) known.set(entry.name, entry);
  return (html, from) => {
    const { declaration } = from;
    const own = "parameters" in declaration ? declaration.parameters.map(({ name }) => name.text) : [];
    return html.replace(/<code>(\w+)(\(\))?<\/code>/g, (code, name: string) => {
      const found = known.get(name);
      if (found === undefined || name === from.name || own.includes(name)) return code;
      return `<a href="${between(pathOf(from), pathOf(found))}">${code}</a>`;
    });
  };
}

/** The list of everything, group by group. */
export function listHtml(groups: readonly Group[]): string {
  const sections = groups.map(({ id, title, about, entries }) => {
    const rows = entries.map((entry) => {
      const { name, summary } = explainDeclaration(entry.declaration);
      const link = `<a href="${between(REFERENCE, pathOf(entry))}"><code>${escaped(name)}</code></a>`;
      return `<dt>${link}</dt><dd>${inlineMarkdown(summary)}</dd>`;
    });
    return `<section>\n<h2 id="${id}">${escaped(title)}</h2>\n<p>${inlineMarkdown(about)}</p>\n<dl class="list">\n${rows.join("\n")}\n</dl>\n</section>`;
  });
  return `<h1>Reference</h1>
<p>The standard library, from its own doc comments and what the compiler finds out about each declaration. <code>dmlc explain NAME</code> says the same in a terminal.</p>
${sections.join("\n")}
${legendHtml()}`;
}

/** The page of one declaration. `plot`: whether a loss is drawn. */
export function entryHtml(entry: Entry, highlight: Highlighter, link: Linker, plot: boolean): string {
  const { declaration, scope } = entry;
  const found = explained(declaration, scope);
  return [
    `<p class="kind">${escaped(found.kind)}</p>\n<h1 id="top"><code>${escaped(found.name)}</code></h1>`,
    link(`<p class="summary">${inlineMarkdown(found.summary)}</p>`, entry),
    formulaHtml(entry),
    `<h2 id="signature">Signature</h2>\n<pre class="program signature"><code data-language="dml">${highlight(found.signature)}</code></pre>`,
    parametersHtml(found, (html) => link(html, entry)),
    link(factsHtml(found), entry),
    plot ? plotHtml(entry) : "",
    link(notesHtml(found), entry),
    sourcesHtml(found),
    programHtml(declaration, found, highlight),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function formulaHtml(entry: Entry): string {
  const lines = formulaToTex(entry.declaration);
  if (lines.length === 0) return "";
  return `<h2 id="formula">Formula</h2>\n<div class="formula">${tex(displayOf(lines), true)}</div>
<p class="aside"><a href="${between(pathOf(entry), `${REFERENCE}#signs`)}">What the signs mean</a></p>`;
}

function tex(formula: string, display: boolean): string {
  return katex.renderToString(formula, { displayMode: display, strict: "error", output: "htmlAndMathml" });
}

/** Defaults that are declarations themselves are links. */
function parametersHtml({ parameters }: Explained, link: (html: string) => string): string {
  if (parameters.length === 0) return "";
  const rows = parameters.map(({ name, type, default: value }) => {
    const given = value === undefined ? "must be given" : `<code>${escaped(value)}</code>`;
    const named = /^(?:distance|similarity|loss|miner)$/.test(type);
    return `<tr><td><code>${escaped(name)}</code></td><td><code>${escaped(type)}</code></td><td>${named ? link(given) : given}</td></tr>`;
  });
  return `<h2 id="parameters">Parameters</h2>\n<div class="wide"><table>\n<thead><tr><th>Name</th><th>Type and range</th><th>Default</th></tr></thead>\n<tbody>\n${rows.join("\n")}\n</tbody>\n</table></div>`;
}

function factsHtml({ facts }: Explained): string {
  if (facts.length === 0) return "";
  const rows = facts.map(({ name, text }) => `<dt>${escaped(name)}</dt><dd>${inlineMarkdown(text)}</dd>`);
  const sizes = facts.some(({ name }) => name === "Memory")
    ? `\n<p class="aside">${escaped(SIZES)} Orders hold up to a factor; what is too large for memory runs in blocks.</p>`
    : "";
  return `<h2 id="known-to-the-compiler">Known to the compiler</h2>\n<dl class="facts">\n${rows.join("\n")}\n</dl>${sizes}`;
}

function plotHtml({ declaration, scope, name }: Entry): string {
  const example = declaration.kind === "Loss" ? exampleOf(declaration, scope) : undefined;
  if (example === undefined) return "";
  try {
    const curves = curvesOf(example.instance);
    const heading = `<h2 id="plot">Loss and gradient</h2>`;
    if (curves === undefined)
      return `${heading}\n<p>The same at every similarity: there is nothing to draw.</p>`;
    const pictures = lossPictures(example.use, curves, `plot-${name}`).join("\n");
    return `${heading}\n<figure>\n<div class="charts">${pictures}</div>\n<figcaption>${escaped(captionOf(curves))} The gradient is the slope along these similarities. <code>dmlc try "${escaped(example.use)}" --plot FILE.svg</code> draws it with other parameters.</figcaption>\n</figure>`;
  } catch (error) {
    // What is too large to draw has a page without a picture.
    if (error instanceof InterpretError) return "";
    throw error;
  }
}

/** The whole doc comment, where it says more than its first sentence. */
function notesHtml({ documentation, summary }: Explained): string {
  const text = documentation.replace(/\s+/g, " ").trim();
  return text === summary ? "" : `<h2 id="notes">Notes</h2>\n<p>${inlineMarkdown(text)}</p>`;
}

function sourcesHtml({ sources }: Explained): string {
  if (sources.length === 0) return "";
  const items = sources.map((source) => `<li>${escaped(writeCitation(source))}</li>`);
  return `<h2 id="sources">Sources</h2>\n<ul>\n${items.join("\n")}\n</ul>`;
}

/** What is written in the language; of what the compiler builds in, the signature says all. */
function programHtml(
  declaration: Declaration,
  { file, primitive }: Explained,
  highlight: Highlighter,
): string {
  const aside = `<p class="aside">${escaped(file)}</p>`;
  if (primitive) return aside;
  const program = highlight(textOf(declaration.span));
  return `<h2 id="definition">Definition</h2>\n<pre class="program definition"><code data-language="dml">${program}</code></pre>\n${aside}`;
}

function legendHtml(): string {
  const rows = legend.map(
    ({ tex: sign, meaning }) => `<dt>${tex(sign, false)}</dt><dd>${inlineMarkdown(meaning)}</dd>`,
  );
  return `<section>\n<h2 id="signs">Signs</h2>\n<dl class="facts">\n${rows.join("\n")}\n</dl>\n</section>`;
}
