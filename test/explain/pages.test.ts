/** Each code has a page and each page a code; its wrong example gives that code, its right one nothing. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { packagePages } from "../../src/cli/explain_pages.ts";
import { checkText } from "../../src/compile.ts";
import type { Diagnostic } from "../../src/diagnostics/diagnostic.ts";
import { catalogue } from "../../src/diagnostics/explain/catalogue.ts";
import { parsePage, type ExampleFile } from "../../src/diagnostics/explain/page.ts";
import { host } from "../check/harness.ts";
import { dmlc, folder } from "../cli/support.ts";

const pages = fileURLToPath(new URL("../../src/diagnostics/explain", import.meta.url));
const codes = fileURLToPath(new URL("../../src/diagnostics/codes", import.meta.url));
const pageOf = (code: string) => parsePage(packagePages.page(code) ?? "");
const files = folder();
afterAll(() => files.clean());

/** Pages write what would fill a screen as `⟨TEXT, N times⟩` (`↵` ends a line), and hidden characters by their code. */
function expanded(text: string): string {
  return text
    .replace(/⟨U\+([0-9A-F]{4})⟩/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/⟨([^⟩]*), (\d+) times⟩/g, (_, part: string, times: string) =>
      part.replaceAll("↵", "\n").repeat(Number(times)),
    );
}

function check(example: readonly ExampleFile[]): readonly Diagnostic[] {
  const texts = Object.fromEntries(example.map(({ name, text }) => [name, expanded(text)]));
  const [main] = example;
  return checkText(host(texts), { path: main!.name, text: texts[main!.name]!, standard: false }).diagnostics;
}

describe("the catalogue", () => {
  it("holds every code of every file of codes, each once", async () => {
    const defined: string[] = [];
    for (const file of readdirSync(codes)) {
      const table = (await import(`${codes}/${file}`)) as Record<string, unknown>;
      for (const value of Object.values(table))
        if (typeof value === "object" && value !== null && "code" in value) defined.push(String(value.code));
    }
    expect(catalogue.map(({ code }) => code)).toEqual(defined.sort());
    expect(new Set(catalogue.map(({ code }) => code)).size).toBe(catalogue.length);
    expect(new Set(catalogue.map(({ name }) => name)).size).toBe(catalogue.length);
  });

  it("has a page for each code, and a code for each page", () => {
    const found = readdirSync(pages)
      .filter((name) => name.endsWith(".md"))
      .map((name) => name.replace(/\.md$/, ""));
    expect(found.sort()).toEqual(catalogue.map(({ code }) => code));
  });
});

/** Reported by `dmlc try`, which has a batch; their examples are whole for the checker. */
const ofTry = new Set(["DML0801", "DML0802"]);

describe.each(catalogue.filter(({ code }) => packagePages.page(code) !== undefined))(
  "the page of $code",
  ({ code, name }) => {
    it("is headed by the code and its name, and says what and why in a few words", () => {
      const page = pageOf(code);
      expect([page.code, page.name]).toEqual([code, name]);
      for (const text of [page.what, page.why]) {
        expect(text.length).toBeGreaterThan(20);
        expect(text.length).toBeLessThan(600);
        expect(text).toMatch(/\.$/);
      }
      expect(page.wrong.length).toBeGreaterThan(0);
      expect(page.right.length).toBeGreaterThan(0);
    });

    it("has a right example without any diagnostic", () => {
      expect(check(pageOf(code).right).map((one) => `${one.code} ${one.message}`)).toEqual([]);
    });

    if (!ofTry.has(code))
      it("has a wrong example that gives the code, and no other that the page does not name", () => {
        const found = check(pageOf(code).wrong);
        const given = found.map((one) => one.code);
        expect(given).toContain(code);
        const markdown = packagePages.page(code)!;
        const unnamed = found.filter((one) => !markdown.includes(one.code));
        expect(unnamed.map((one) => `${one.code} ${one.message}`)).toEqual([]);
      });
  },
);

describe("the pages of `dmlc try`", () => {
  const e = files.npy("e.npy", [4, 3], [0.6, 0.8, 0, 0, 0.6, 0.8, 1, 0, 0, 0, 1, 0]);
  const y = files.npy("y.npy", [4], [0, 0, 1, 1]);
  it.each([...ofTry].flatMap((code) => [[code, "wrong"] as const, [code, "right"] as const]))(
    "%s, its %s example",
    async (code, kind) => {
      const [example] = pageOf(code)[kind];
      const file = files.write(`${code}_${kind}.dml`, expanded(example!.text));
      const loss = /^loss (\w+)/m.exec(example!.text)![1]!;
      const { err } = await dmlc("try", `${file}:${loss}`, "--embeddings", e, "--labels", y);
      expect([...new Set(err.match(/DML\d{4}(?=\])/g))]).toEqual(kind === "wrong" ? [code] : []);
    },
  );
});
