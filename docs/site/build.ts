/**
 * The site: the pages of docs/, the reference of the standard library, the diagnostics and the example specs, as HTML
 * files that need no server and no scripts. Called by `main.ts` and by the tests.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { nodeHost } from "../../src/cli/host.ts";
import { packagePages } from "../../src/cli/explain_pages.ts";
import { ownPackage } from "../../src/cli/package.ts";
import { explainDeclaration } from "../../src/explain/declaration.ts";
import { groupsOf } from "../../src/explain/groups.ts";
import type { Group } from "../../src/explain/groups.ts";
import { standardLibrary } from "../../src/resolve/modules.ts";
import { codePath, DIAGNOSTICS, diagnostics, diagnosticsHtml } from "./diagnostics.ts";
import { highlighter } from "./highlight.ts";
import type { Highlighter } from "./highlight.ts";
import { escaped, slug } from "./html.ts";
import { pageHtml } from "./layout.ts";
import type { NavigationEntry, NavigationSection, PageContent } from "./layout.ts";
import { renderer } from "./markdown.ts";
import type { Heading, Rendered } from "./markdown.ts";
import { entryHtml, linkerOf, listHtml, pathOf, REFERENCE } from "./reference.ts";

export interface SiteOptions {
  /** Which losses are drawn; all by default. */
  readonly plots?: (name: string) => boolean;
}

/** A Markdown page of the repository. */
type GuidePage = readonly [source: string, path: string, title: string];

/** The pages whose order and titles matter; other pages of docs/ follow before the last. */
const GUIDE: readonly GuidePage[] = [
  ["README.md", "index.html", "Overview"],
  ["docs/language.md", "language.html", "The language"],
  ["docs/command-line.md", "command-line.html", "The command line"],
  ["docs/engines.md", "engines.html", "Engines"],
  ["docs/results.md", "results.html", "Results of a run"],
  ["docs/benchmarks.md", "benchmarks.html", "Benchmarks"],
  ["CONTRIBUTING.md", "contributing.html", "Contributing"],
];
/** Where files that are no pages stand, by their paths in the repository. */
const FILES: ReadonlyMap<string, string> = new Map([["LICENSE", "LICENSE.txt"]]);
/** Pages of the repository that the site has another page for. */
const INSTEAD: ReadonlyMap<string, string> = new Map([["docs/reference.md", REFERENCE]]);

/** Builds the site in `out`, which is emptied first. Answers the paths of its pages. */
export async function buildSite(out: string, { plots = () => true }: SiteOptions = {}): Promise<string[]> {
  const { root } = ownPackage();
  const read = (path: string): string => readFileSync(join(root, path), "utf8");
  const highlight = await highlighter(join(root, "grammar", "dml.tmLanguage.json"));
  const examples = readdirSync(join(root, "examples")).filter((name) => name.endsWith(".dml"));
  const guide = guidePages(root);
  const places = new Map([
    ...guide.map(([source, path]) => [source, path] as const),
    ...INSTEAD,
    ...examples.map((name) => [`examples/${name}`, `examples/${name}.html`] as const),
  ]);
  const copied = new Map<string, string>();
  const place = (path: string): string | undefined => {
    const page = places.get(path);
    if (page !== undefined) return page;
    const file = FILES.get(path) ?? (/\.(?:svg|png)$/.test(path) ? path : undefined);
    if (file !== undefined) copied.set(path, file);
    return file;
  };
  const render = renderer(highlight, place);
  const pages = [
    ...guide.map(([source, path, title]) =>
      guidePage(render({ source, path, text: read(source) }), path, title),
    ),
    ...referencePages(groupsOf(standardLibrary(nodeHost(root)).scope), highlight, plots),
    ...diagnosticPages(render),
    ...examples.map((name) => examplePage(name, read(`examples/${name}`), highlight)),
  ];
  rmSync(out, { recursive: true, force: true });
  const sections = navigation(guide);
  for (const page of pages) write(join(out, page.path), pageHtml(page, sections));
  for (const [path, file] of copied) write(join(out, file), read(path));
  writeAssets(out, read("docs/site/style.css"));
  return pages.map(({ path }) => path);
}

/** The pages of the guide, those of docs/ that `GUIDE` does not name by their first headings. */
function guidePages(root: string): GuidePage[] {
  const known = new Set([...GUIDE.map(([source]) => source), ...INSTEAD.keys()]);
  const others = readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md") && !known.has(`docs/${name}`))
    .sort()
    .map((name): GuidePage => {
      const title = /^# (.*)$/m.exec(readFileSync(join(root, "docs", name), "utf8"))?.[1] ?? name;
      return [`docs/${name}`, name.replace(/\.md$/, ".html"), title];
    });
  return [...GUIDE.slice(0, -1), ...others, ...GUIDE.slice(-1)];
}

function navigation(guide: readonly GuidePage[]): NavigationSection[] {
  const entry = (title: string, path: string): NavigationEntry => ({ title, path });
  return [
    { title: "Guide", entries: guide.map(([, path, title]) => entry(title, path)) },
    {
      title: "Reference",
      entries: [entry("Standard library", REFERENCE), entry("Diagnostics", DIAGNOSTICS)],
    },
  ];
}

function guidePage({ html, headings }: Rendered, path: string, title: string): PageContent {
  const description = /<p>([^]*?)<\/p>/.exec(html)?.[1]?.replace(/<[^>]*>/g, "") ?? title;
  return { path, title, description: plain(description), html, headings };
}

/** Text of HTML as text again, for an attribute. */
function plain(html: string): string {
  return html
    .replace(/&quot;/g, '"')
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&amp;/g, "&");
}

function referencePages(
  groups: readonly Group[],
  highlight: Highlighter,
  plots: (name: string) => boolean,
): PageContent[] {
  const list: PageContent = {
    path: REFERENCE,
    title: "Reference",
    description: "The standard library of dmlc: losses, miners, distances, strategies, layers and more.",
    html: listHtml(groups),
    headings: groups.map(({ id, title }) => ({ level: 2, text: title, id })),
  };
  const link = linkerOf(groups);
  const entries = groups.flatMap(({ id, title, entries: all }) =>
    all.map((entry, at): PageContent => {
      const beside = (k: number): NavigationEntry | undefined =>
        all[k] === undefined ? undefined : { title: all[k].name, path: pathOf(all[k]) };
      const [before, after] = [beside(at - 1), beside(at + 1)];
      const crumbs = `<p class="crumbs"><a href="../index.html">Reference</a> › <a href="../index.html#${id}">${escaped(title)}</a></p>\n`;
      return {
        path: pathOf(entry),
        title: entry.name,
        description: explainDeclaration(entry.declaration).summary,
        html: crumbs + entryHtml(entry, highlight, link, plots(entry.name)),
        headings: [],
        within: REFERENCE,
        ...(before === undefined ? {} : { before }),
        ...(after === undefined ? {} : { after }),
      };
    }),
  );
  return [list, ...entries];
}

function diagnosticPages(render: ReturnType<typeof renderer>): PageContent[] {
  const list: PageContent = {
    path: DIAGNOSTICS,
    title: "Diagnostics",
    description: "Every problem that dmlc reports, with its code.",
    html: diagnosticsHtml(),
    headings: [],
  };
  const pages = diagnostics.flatMap(({ code, name, severity }): PageContent[] => {
    const text = packagePages.page(code);
    if (text === undefined) return [];
    const path = codePath(code);
    const { html } = render({ source: `src/diagnostics/explain/${code}.md`, path, text });
    return [
      {
        path,
        title: `${code}: ${name}`,
        description: `${code}, ${name}: ${severity}`,
        html: `<p class="crumbs"><a href="index.html">Diagnostics</a> › ${severity}</p>\n${html}`,
        headings: [],
        within: DIAGNOSTICS,
      },
    ];
  });
  return [list, ...pages];
}

function examplePage(name: string, text: string, highlight: Highlighter): PageContent {
  return {
    path: `examples/${name}.html`,
    title: `examples/${name}`,
    description: `The example spec ${name}`,
    html: `<h1 id="${slug(name)}">examples/${escaped(name)}</h1>\n<pre class="program"><code data-language="dml">${highlight(text)}</code></pre>`,
    headings: [] satisfies Heading[],
    within: "index.html",
  };
}

/** The style, KaTeX's with its fonts, and a mark that tells servers of pages to serve them as they are. */
function writeAssets(out: string, style: string): void {
  const katex = dirname(createRequire(import.meta.url).resolve("katex/dist/katex.min.css"));
  write(join(out, "assets", "style.css"), style);
  write(join(out, "assets", "katex.min.css"), readFileSync(join(katex, "katex.min.css"), "utf8"));
  cpSync(join(katex, "fonts"), join(out, "assets", "fonts"), {
    recursive: true,
    filter: (path) => !/\.(?:ttf|woff)$/.test(path),
  });
  write(join(out, ".nojekyll"), "");
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
