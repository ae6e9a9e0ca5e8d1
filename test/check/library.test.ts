import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { checkDeclarations } from "../../src/check/check.ts";
import { Diagnostics } from "../../src/diagnostics/diagnostic.ts";
import { standardLibrary } from "../../src/resolve/modules.ts";
import { check, host, marks } from "./harness.ts";

describe("the standard library", () => {
  const library = standardLibrary(host({}));

  test("parses, and declares no name twice", () => {
    expect(marks(library.diagnostics.all)).toEqual([]);
  });

  test.each(
    library.files.flatMap((file) => file.declarations).map((each) => [each.name.text, each] as const),
  )("%s keeps the laws of its kind", (_, declaration) => {
    const diagnostics = new Diagnostics();
    checkDeclarations([declaration], { scope: library.scope, diagnostics });
    expect(diagnostics.all.map((each) => `${each.message} (${each.reason})`)).toEqual([]);
  });
});

test("the programs of the language reference have nothing wrong but what is not built yet", () => {
  const page = readFileSync(new URL("../conformance/language.md", import.meta.url), "utf8");
  const blocks = [...page.matchAll(/^```dml\n([\s\S]*?)^```/gm)].map((match) => match[1]!);
  expect(blocks.length).toBeGreaterThan(5);
  const { diagnostics } = check(blocks.join("\n"));
  const wrong = diagnostics.filter((each) => each.code !== "DML0900");
  expect(wrong.map((each) => `${each.code} ${each.message} (${each.reason})`)).toEqual([]);
});
