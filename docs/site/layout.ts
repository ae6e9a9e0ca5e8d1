/** The frame of every page: navigation, content, foot. No scripts; the menu of small screens is a `details`. Pure. */
import { between, escaped } from "./html.ts";
import type { Heading } from "./markdown.ts";

export interface NavigationEntry {
  readonly title: string;
  /** Path in the site. */
  readonly path: string;
}

export interface NavigationSection {
  readonly title: string;
  readonly entries: readonly NavigationEntry[];
}

export interface PageContent {
  readonly path: string;
  readonly title: string;
  readonly description: string;
  readonly html: string;
  readonly headings: readonly Heading[];
  /** The entry of the navigation that the page belongs to, where it is not its own. */
  readonly within?: string;
  readonly before?: NavigationEntry;
  readonly after?: NavigationEntry;
}

/** A whole HTML document. */
export function pageHtml(page: PageContent, sections: readonly NavigationSection[]): string {
  const to = (path: string): string => between(page.path, path);
  const title = page.path === "index.html" ? "dmlc" : `${page.title} · dmlc`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<meta name="description" content="${escaped(page.description)}">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${to("assets/katex.min.css")}">
<link rel="stylesheet" href="${to("assets/style.css")}">
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header class="top">
<a class="home" href="${to("index.html")}">dmlc</a>
<span class="tag">deep metric learning losses as formulas</span>
</header>
<div class="frame">
<nav class="side" aria-label="Pages">
<details class="menu"><summary>Pages</summary>
${navigation(page, sections)}
</details>
<div class="always">
${navigation(page, sections)}
</div>
</nav>
<main id="content">
${page.html}
${around(page)}
</main>
</div>
</body>
</html>
`;
}

function navigation(page: PageContent, sections: readonly NavigationSection[]): string {
  const own = page.within ?? page.path;
  const item = ({ title, path }: NavigationEntry): string => {
    const current = path === own ? ` aria-current="${path === page.path ? "page" : "true"}"` : "";
    const link = `<a href="${between(page.path, path)}"${current}>${escaped(title)}</a>`;
    return `<li>${link}${path === page.path ? contents(page.headings) : ""}</li>`;
  };
  return sections
    .map(
      ({ title, entries }) =>
        `<p class="section">${escaped(title)}</p>\n<ul>\n${entries.map(item).join("\n")}\n</ul>`,
    )
    .join("\n");
}

/** The second level of the page's headings. */
function contents(headings: readonly Heading[]): string {
  const second = headings.filter(({ level }) => level === 2);
  if (second.length === 0) return "";
  const items = second.map(({ id, text }) => `<li><a href="#${escaped(id)}">${escaped(text)}</a></li>`);
  return `\n<ul class="contents">\n${items.join("\n")}\n</ul>`;
}

function around({ path, before, after }: PageContent): string {
  const link = (entry: NavigationEntry | undefined, relation: string, mark: string): string =>
    entry === undefined
      ? "<span></span>"
      : `<a rel="${relation}" href="${between(path, entry.path)}">${mark.replace("*", escaped(entry.title))}</a>`;
  if (before === undefined && after === undefined) return "";
  return `<nav class="around" aria-label="Neighbours">${link(before, "prev", "← *")}${link(after, "next", "* →")}</nav>`;
}
