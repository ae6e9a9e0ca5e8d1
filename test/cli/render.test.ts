/** Diagnostics as people and programs see them. */
import { describe, expect, it } from "vitest";
import { define, Diagnostics } from "../../src/diagnostics/diagnostic.ts";
import type { Diagnostic, ReportOptions } from "../../src/diagnostics/diagnostic.ts";
import { renderJson } from "../../src/diagnostics/render/json.ts";
import { renderPretty, summary } from "../../src/diagnostics/render/pretty.ts";
import type { SourceFile } from "../../src/source/source.ts";

const wrong = define<{ what: string }>({
  code: "DML9999",
  name: "wrong",
  severity: "error",
  message: ({ what }) => `wrong ${what}`,
  reason: () => "Because.",
  help: () => "Do this.",
});

const plain = (_: string, text: string): string => text;

function report(text: string, marked: string, options: ReportOptions = {}): Diagnostic {
  const file: SourceFile = { path: "a.dml", text, standard: false };
  const diagnostics = new Diagnostics();
  const start = text.indexOf(marked);
  diagnostics.report(wrong, { file, start, end: start + marked.length }, { what: "thing" }, options);
  return diagnostics.all[0]!;
}

/** The lines from the first of the source on, up to the reason. */
function frameOf(diagnostic: Diagnostic): string[] {
  const lines = renderPretty(diagnostic, plain).split("\n");
  return lines.slice(
    lines.findIndex((line) => line.includes("-->")) + 2,
    lines.findIndex((line) => line.includes("why:")),
  );
}

describe("for people", () => {
  it("says what, where, why, and what to write instead", () => {
    expect(renderPretty(report("one\ntwo three\n", "three", { label: "here" }), plain)).toBe(
      [
        "error[DML9999]: wrong thing",
        "  --> a.dml:2:5",
        "  |",
        "2 | two three",
        "  |     ^^^^^ here",
        "  why: Because.",
        "  help: Do this.",
        "",
      ].join("\n"),
    );
  });

  it("marks two places, on their lines and across files", () => {
    const text = "loss a\n\n\nloss a\n";
    const main = report(text, "loss a");
    const file = main.span.file;
    const other: SourceFile = { path: "b.dml", text: "first\n", standard: false };
    const both: Diagnostic = {
      ...main,
      label: "again",
      related: [
        { span: { file, start: 9, end: 15 }, label: "before" },
        { span: { file: other, start: 0, end: 5 }, label: "and there" },
      ],
    };
    expect(frameOf(both)).toEqual([
      "1 | loss a",
      "  | ^^^^^^ again",
      "  ⋮",
      "4 | loss a",
      "  | ------ before",
      "  --> b.dml:1:1",
      "  |",
      "1 | first",
      "  | ----- and there",
    ]);
  });

  it("aligns below tabs, wide and combining characters", () => {
    expect(frameOf(report("\tab x", "x"))).toEqual(["1 |     ab x", "  |        ^"]);
    expect(frameOf(report("日本 x", "x"))).toEqual(["1 | 日本 x", "  |      ^"]);
    expect(frameOf(report("日本 x", "本"))).toEqual(["1 | 日本 x", "  |   ^^"]);
    expect(frameOf(report("é x", "x"))).toEqual(["1 | é x", "  |   ^"]);
    expect(frameOf(report("🙂 x", "x"))).toEqual(["1 | 🙂 x", "  |    ^"]);
  });

  it("makes characters visible that hide or reorder text", () => {
    expect(frameOf(report("a\u202eb x", "x"))).toEqual(["1 | a<U+202E>b x", "  |            ^"]);
    expect(frameOf(report("a\u0007\u200b x", "x"))[0]).toBe("1 | a<U+0007><U+200B> x");
    const diagnostic = { ...report("x", "x"), message: "the name `\u001b[2J`" };
    expect(renderPretty(diagnostic, plain)).toContain("`<U+001B>[2J`");
  });

  it("marks the end of a file, an empty span and the first line of a long one", () => {
    const file: SourceFile = { path: "a.dml", text: "ab\ncd", standard: false };
    const at = (start: number, end: number): Diagnostic => ({
      ...report("x", "x"),
      span: { file, start, end },
    });
    expect(frameOf(at(5, 5))).toEqual(["2 | cd", "  |   ^"]);
    expect(frameOf(at(1, 5))).toEqual(["1 | ab", "  |  ^"]);
  });

  it("shows a window of a long line", () => {
    const lines = frameOf(report(`${"a ".repeat(500)}here${" b".repeat(500)}`, "here"));
    expect(lines[0]!.length).toBeLessThan(140);
    expect(lines[0]!.indexOf("here")).toBe(lines[1]!.indexOf("^^^^"));
  });

  it("counts", () => {
    const one = report("x", "x");
    expect(summary([])).toBe("no problems");
    expect(summary([one, one, { ...one, severity: "warning" }])).toBe("2 errors, 1 warning");
  });
});

describe("for programs", () => {
  it("is an array of flat objects, 1-based", () => {
    expect(JSON.parse(renderJson([report("one\r\ntwo three\r\n", "three")]))).toEqual([
      {
        code: "DML9999",
        severity: "error",
        message: "wrong thing. Because.",
        file: "a.dml",
        line: 2,
        column: 5,
        endLine: 2,
        endColumn: 10,
        help: "Do this.",
      },
    ]);
    expect(renderJson([])).toBe("[]\n");
  });

  it("escapes what would reorder a terminal's text", () => {
    const json = renderJson([{ ...report("x", "x"), message: "a\u202eb" }]);
    expect(json).toContain("a\\u202eb");
    expect((JSON.parse(json) as { message: string }[])[0]!.message).toContain("a\u202eb");
  });
});
