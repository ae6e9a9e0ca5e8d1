/**
 * The site: every page is there and whole, every link leads somewhere, formulas are set and programs coloured; and the
 * frame holds on names that need escaping.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildSite } from "../../docs/site/build.ts";
import { between, escaped, slug } from "../../docs/site/html.ts";
import { pageHtml } from "../../docs/site/layout.ts";
import { catalogue } from "../../src/diagnostics/explain/catalogue.ts";
import { groupsOf } from "../../src/explain/groups.ts";
import { standardLibrary } from "../../src/resolve/modules.ts";
import { host } from "../check/harness.ts";

const out = mkdtempSync(join(tmpdir(), "dmlc-site-"));
const DRAWN = ["triplet", "arcface", "vicreg", "lp_regularizer"];
let pages: string[];
const html = new Map<string, string>();
const { scope } = standardLibrary(host({}));

beforeAll(async () => {
  pages = await buildSite(out, { plots: (name) => DRAWN.includes(name) });
  for (const page of pages) html.set(page, readFileSync(join(out, page), "utf8"));
});
afterAll(() => rmSync(out, { recursive: true, force: true }));

const page = (path: string): string => html.get(path)!;

describe("pages", () => {
  it("are there for the guide, every declaration, every diagnostic and every example", () => {
    const expected = [
      "index.html",
      "contributing.html",
      ...readdirSync(new URL("../../docs", import.meta.url))
        .filter((name) => name.endsWith(".md") && name !== "reference.md")
        .map((name) => name.replace(/\.md$/, ".html")),
      ...groupsOf(scope).flatMap(({ entries }) =>
        entries.map(({ kind, name }) => `reference/${kind}/${name}.html`),
      ),
      ...catalogue.map(({ code }) => `diagnostics/${code}.html`),
      "reference/index.html",
      "diagnostics/index.html",
      "examples/icons.dml.html",
    ];
    expect(pages).toEqual(expect.arrayContaining(expected));
    expect(new Set(pages).size).toBe(pages.length);
    const written = readdirSync(out, { recursive: true, encoding: "utf8" }).filter((path) =>
      path.endsWith(".html"),
    );
    expect(written.sort()).toEqual([...pages].sort());
  });

  it("list every declaration of the library once", () => {
    const all = groupsOf(scope).flatMap(({ entries }) => entries.map(({ declaration }) => declaration));
    const declared = standardLibrary(host({})).files.flatMap(({ declarations }) => declarations);
    expect(new Set(all)).toEqual(new Set(declared));
    expect(all).toHaveLength(declared.length);
  });

  it("have one first heading, unique anchors, a title and a description", () => {
    for (const [path, text] of html) {
      expect(text.match(/<h1\b/g), path).toHaveLength(1);
      const ids = [...text.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1]);
      expect(new Set(ids).size, path).toBe(ids.length);
      expect(text, path).toMatch(/<title>[^<]+<\/title>/);
      expect(text, path).toMatch(/<meta name="description" content="[^"]+">/);
      expect(text, path).not.toMatch(/<script\b|undefined|\[object Object\]/);
    }
  });

  it("close every element that they open", () => {
    const alone = new Set(["meta", "link", "br", "hr", "img", "input", "!doctype"]);
    for (const [path, text] of html) {
      const open: string[] = [];
      const bare = text.replace(/<!--[^]*?-->|<style>[^]*?<\/style>/g, "");
      for (const [, slash, tag, rest] of bare.matchAll(/<(\/?)([a-zA-Z!][\w-]*)((?:[^>"]|"[^"]*")*)>/g)) {
        if (alone.has(tag!.toLowerCase()) || rest!.endsWith("/")) continue;
        if (slash === "") open.push(tag!);
        else expect(open.pop(), `${path}: </${tag}>`).toBe(tag);
      }
      expect(open, path).toEqual([]);
    }
  });
});

describe("links", () => {
  it("lead to pages, files and headings that are there, from any folder", () => {
    const broken: string[] = [];
    for (const [path, text] of html)
      for (const [, target] of text.matchAll(/\s(?:href|src)="([^"]+)"/g)) {
        if (/^(?:https?|data|mailto):/.test(target!)) continue;
        if (target!.startsWith("/")) broken.push(`${path} -> ${target}: absolute`);
        const [file, heading] = target!.split("#") as [string, string | undefined];
        const found = file === "" ? path : posix.join(dirname(path), file);
        if (!existsSync(join(out, found))) broken.push(`${path} -> ${target}`);
        else if (heading !== undefined && !page(found).includes(` id="${heading}"`))
          broken.push(`${path} -> ${target}: no such heading`);
      }
    expect(broken).toEqual([]);
  });

  it("are lost nowhere: whatever a page of the repository links to is here", () => {
    const lost = [...html].flatMap(([path, text]) =>
      [...text.matchAll(/data-not-here="([^"]+)"/g)].map((match) => `${path} -> ${match[1]}`),
    );
    expect(lost).toEqual([]);
  });

  it("join what doc comments name, but not an entry's own parameters", () => {
    expect(page("reference/loss/triplet.html")).toContain(
      '<a href="../measure/euclidean.html"><code>euclidean</code></a>',
    );
    expect(page("reference/loss/triplet.html")).toContain("<td><code>margin</code></td>");
    // The word `equal` is no strategy there.
    expect(page("reference/strategy/learned.html")).toContain("<td><code>equal</code></td>");
  });
});

describe("content", () => {
  it("has formulas set without errors, as pictures of text and as MathML", () => {
    for (const [path, text] of html) expect(text, path).not.toContain("katex-error");
    const losses = pages.filter((path) => path.startsWith("reference/loss/"));
    for (const path of losses) expect(page(path), path).toMatch(/class="katex-display"[^]*<math /);
  });

  it("has what a reader of a loss looks for", () => {
    const text = page("reference/loss/arcface.html").replace(/<[^>]+>/g, " ");
    for (const part of [
      "ArcFace: an angular margin added at the true class",
      "angle in [0deg, 90deg]",
      "28.6deg",
      "per sample",
      "the lengths of embeddings make no difference",
      "grows as B·C·D",
      "Deng, Guo, Xue &#38; Zafeiriou 2019, eq. 3",
      "stdlib/losses/arcface.dml",
    ])
      expect(text).toContain(part);
  });

  it("has pictures of the losses, where there is something to draw", () => {
    for (const name of ["triplet", "arcface", "vicreg"])
      expect(page(`reference/loss/${name}.html`)).toContain(`id="plot-${name}-0-title"`);
    expect(page("reference/loss/lp_regularizer.html")).toContain("nothing to draw");
    expect(page("reference/loss/contrastive.html")).not.toContain("<svg xmlns");
  });

  it("has programs coloured by the grammar of the editors", () => {
    const definition = page("reference/loss/triplet.html").split("Definition")[1]!;
    expect(definition).toContain('<span class="c-keyword">loss</span>');
    expect(definition).toContain('<span class="c-reduction">mean_active</span>');
    expect(page("diagnostics/DML0204.html")).toContain('class="c-keyword">import</span>');
  });

  it("has assets for every style it asks for, and nothing from elsewhere", () => {
    const style = readFileSync(join(out, "assets/katex.min.css"), "utf8");
    const fonts = [...style.matchAll(/url\((fonts\/[^)]+\.woff2)\)/g)].map((match) => match[1]!);
    expect(fonts.length).toBeGreaterThan(10);
    for (const font of fonts) expect(existsSync(join(out, "assets", font)), font).toBe(true);
    for (const [path, text] of html)
      expect(text, path).not.toMatch(/<link[^>]+href="https?:|<img[^>]+src="https?:/);
  });
});

describe("the frame", () => {
  it("escapes titles and finds its way from any depth", () => {
    const entry = { title: 'a < b & "c"', path: "x/y/z.html" };
    const text = pageHtml({ ...entry, description: '"d"', html: "<h1>h</h1>", headings: [], after: entry }, [
      { title: "s", entries: [entry] },
    ]);
    expect(text).toContain("a &#60; b &#38; &#34;c&#34;");
    expect(text).not.toContain("a < b");
    expect(text).toContain('href="../../assets/style.css"');
    expect(text).toContain('aria-current="page"');
  });

  it("has addresses and anchors as GitHub has them", () => {
    expect(between("a/b.html", "c.html#d")).toBe("../c.html#d");
    expect(between("a/b.html", "a/b.html")).toBe("b.html");
    expect(slug("What is not `built` yet?")).toBe("what-is-not-built-yet");
    expect(escaped(`<a href='x'>&"`)).toBe("&#60;a href=&#39;x&#39;&#62;&#38;&#34;");
  });
});
