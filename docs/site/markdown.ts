/**
 * Markdown pages of the repository as HTML pages of the site: programs coloured, headings with anchors, links between
 * pages brought to where the pages are. Called by `build.ts`.
 */
import MarkdownIt from "markdown-it";
import { posix } from "node:path";
import type { Highlighter } from "./highlight.ts";
import { between, escaped, slug } from "./html.ts";

export interface Heading {
  readonly level: number;
  readonly text: string;
  readonly id: string;
}

export interface Rendered {
  readonly html: string;
  readonly headings: readonly Heading[];
}

export interface Page {
  /** Where the text stands in the repository: links are relative to it. */
  readonly source: string;
  /** Where the page stands in the site. */
  readonly path: string;
  readonly text: string;
}

/**
 * `place` says where in the site a path of the repository is; undefined for what the site does not have, whose links
 * become plain text.
 */
export function renderer(
  highlight: Highlighter,
  place: (repositoryPath: string) => string | undefined,
): (page: Page) => Rendered {
  return ({ source, path, text }) => {
    const markdown = new MarkdownIt({ html: true, linkify: false });
    const headings: Heading[] = [];
    markdown.renderer.rules["fence"] = (tokens, at) => {
      const { info, content } = tokens[at]!;
      const [language = ""] = info.trim().split(/[\s-]/);
      const program = language === "dml" ? highlight(content) : escaped(content.replace(/\n$/, ""));
      return `<pre class="program"><code data-language="${escaped(language)}">${program}</code></pre>\n`;
    };
    markdown.renderer.rules["table_open"] = () => `<div class="wide"><table>\n`;
    markdown.renderer.rules["table_close"] = () => `</table></div>\n`;
    markdown.core.ruler.push("headings", ({ tokens }) => {
      tokens.forEach((token, at) => {
        if (token.type !== "heading_open") return;
        const inline = tokens[at + 1]!;
        const title = (inline.children ?? []).map(({ content }) => content).join("");
        const id = slug(title);
        token.attrSet("id", id);
        headings.push({ level: Number(token.tag.slice(1)), text: title, id });
      });
    });
    markdown.core.ruler.push("links", ({ tokens }) => {
      for (const token of tokens.flatMap(({ children }) => children ?? [])) {
        const attribute = token.type === "image" ? "src" : "href";
        const target = token.attrGet(attribute);
        if (typeof target !== "string" || /^(?:[a-z]+:|#)/.test(target)) continue;
        const [file, heading] = target.split("#") as [string, string | undefined];
        const found = place(posix.normalize(posix.join(posix.dirname(source), file)));
        if (found === undefined) token.attrs = [["data-not-here", target]];
        else token.attrSet(attribute, between(path, found) + (heading === undefined ? "" : `#${heading}`));
      }
    });
    return { html: markdown.render(text), headings };
  };
}

/** A line of Markdown within a page, without a paragraph of its own: `code` and emphasis. */
export function inlineMarkdown(text: string): string {
  return new MarkdownIt({ html: false }).renderInline(text);
}
