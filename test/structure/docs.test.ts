/** Every program shown in the documentation is checked and compiled; what is marked as not built is exactly that. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { main } from "../../src/cli/main.ts";
import { emitModel } from "../../src/compile.ts";
import { check } from "../check/harness.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const pages = ["README.md", "CONTRIBUTING.md", "docs/language.md", "docs/command-line.md", "docs/results.md"];

interface Block {
  readonly info: string;
  readonly text: string;
  /** `docs/language.md:12` */
  readonly place: string;
}

/** The fenced blocks of a page. */
function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  let open: { info: string; line: number; lines: string[] } | undefined;
  readFileSync(join(root, page), "utf8")
    .split("\n")
    .forEach((line, k) => {
      const fence = /^```(.*)$/.exec(line);
      if (fence === null) open?.lines.push(line);
      else if (open === undefined) open = { info: fence[1]!.trim(), line: k + 1, lines: [] };
      else {
        blocks.push({ info: open.info, text: open.lines.join("\n"), place: `${page}:${open.line}` });
        open = undefined;
      }
    });
  expect(open, `an open block in ${page}`).toBeUndefined();
  return blocks;
}

const blocks = pages.flatMap(blocksOf);
const of = (info: string): [place: string, text: string][] =>
  blocks.filter((block) => block.info === info).map(({ place, text }) => [place, text]);

describe("programs in the documentation", () => {
  test.each(of("dml"))("%s is checked and compiled", async (_, text) => {
    const { diagnostics, models } = check(text);
    expect(diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([]);
    for (const model of models) {
      const emitted = await emitModel(model, {
        specFile: "spec.dml",
        specHash: "0".repeat(64),
        compiler: "",
      });
      expect(emitted).toHaveProperty("text");
    }
  });

  test.each(of("dml not-built"))("%s is not built yet, and nothing else is wrong with it", (_, text) => {
    const codes = check(text).diagnostics.map(({ code }) => code);
    expect([...new Set(codes)]).toEqual(["DML0900"]);
  });

  test.each(of("dml-combine"))("%s: each line combines the losses that the text names", async (_, text) => {
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) {
      const { diagnostics, models } = check(combining(line.replace(/\/\/.*/, "")));
      expect(diagnostics.map(({ code, message }) => `${line}: ${code} ${message}`)).toEqual([]);
      const emitted = await emitModel(models[0]!, { specFile: "s.dml", specHash: "", compiler: "" });
      expect(emitted).toHaveProperty("text");
    }
  });

  test.each(of("dml-import"))("%s names what is there", (_, text) => {
    const [, names, file] = /^import \{ (.*) \} from "\.\/(.*)"$/.exec(text)!;
    const imported = readFileSync(join(root, "examples", file!), "utf8");
    for (const name of names!.split(", ")) expect(imported).toMatch(new RegExp(`^loss ${name}\\b`, "m"));
  });

  test("has every block in a language that something checks, or that is output", () => {
    const known = ["dml", "dml not-built", "dml-combine", "dml-import", "ts", "sh", "text", "json"];
    expect(blocks.filter(({ info }) => !known.includes(info)).map(({ place }) => place)).toEqual([]);
  });
});

const combining = (expression: string): string => `
  dataset photos = folder("photos") { image: gray(16x16) }
  model combining {
    data: photos
    backbone: conv4(width: 4)
    embedding: linear(8) |> normalize
    losses {
      pull: contrastive()  rank: triplet()  soft: multi_similarity()  arc: arcface()  anchor: proxy_anchor()
    }
    combine: ${expression}
  }`;

describe("the emitted code that the README shows", () => {
  /** The program of the README's spec, without formatting. */
  const program = async (): Promise<string> => {
    const [, text] = of("dml").find(([place]) => place.startsWith("README.md"))!;
    const { models } = check(text);
    const identity = { specFile: "spec.dml", specHash: "0".repeat(64), compiler: "" };
    const emitted = await emitModel(models[0]!, identity);
    return "text" in emitted ? emitted.text : "";
  };

  test("is what the compiler emits", async () => {
    const emitted = await program();
    const shown = of("ts").filter(([place]) => place.startsWith("README.md"));
    expect(shown.length).toBeGreaterThan(0);
    // Shown with its own indentation.
    const bare = (text: string): string => text.replace(/^ +/gm, "");
    for (const [place, text] of shown)
      expect(bare(emitted), `${place}: run npm run generate`).toContain(bare(text));
  });
});

describe("the page of the command line", () => {
  /** What a command prints of itself. */
  const help = async (...args: string[]): Promise<string> => {
    let text = "";
    const plain = (_: unknown, painted: string): string => painted;
    const terminal = {
      out: (part: string) => void (text += part),
      err: () => {},
      outPaint: plain,
      errPaint: plain,
    };
    expect(await main([...args, "--help"], terminal)).toBe(0);
    return text;
  };

  test("names every command and every option", async () => {
    const page = readFileSync(join(root, "docs/command-line.md"), "utf8");
    const commands = [...(await help()).matchAll(/^ {2}([a-z]+) \[?/gm)].map((match) => match[1]!);
    expect(commands).toEqual(expect.arrayContaining(["check", "compile", "run", "try"]));
    for (const command of [...commands, "info"].filter((each) => each !== "help")) {
      expect(page, command).toMatch(new RegExp(`^## dmlc ${command}$`, "m"));
      const section = page.split(`## dmlc ${command}\n`)[1]!.split(/^## /m)[0]!;
      for (const [, option] of (await help(command)).matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm))
        if (option !== "--help" && option !== "--output")
          expect(section, `dmlc ${command}`).toContain(option);
    }
  });
});

describe("links", () => {
  test.each(pages)("of %s lead to files and headings that are there", (page) => {
    const text = readFileSync(join(root, page), "utf8").replace(/^```[^]*?^```|`[^`\n]*`/gm, "");
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target!)) continue;
      const [file, heading] = target!.split("#");
      const path = file === "" ? join(root, page) : join(root, dirname(page), file!);
      expect(existsSync(path), `${page} -> ${target}`).toBe(true);
      if (heading !== undefined) expect(headings(path), `${page} -> ${target}`).toContain(heading);
    }
  });
});

/** The anchors of a page's headings, as GitHub makes them. */
function headings(path: string): string[] {
  return [...readFileSync(path, "utf8").matchAll(/^#+ (.*)$/gm)].map((match) =>
    match[1]!
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}
