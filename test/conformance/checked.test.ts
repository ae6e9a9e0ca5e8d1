/** The pages of what the checker accepts and refuses: every diagnostic on its line, and no other. */
import { describe, expect, it } from "vitest";
import { checkText } from "../../src/compile.ts";
import { host } from "../check/harness.ts";
import { conformanceBlocks, differences, sourceOf } from "./harness.ts";

const pages = [
  "names",
  "arguments",
  "formulas",
  "shapes",
  "models",
  "combinations",
  "not_built_yet",
  "geometry",
  "strategies",
  "limits",
  "memory",
  "states_and_draws",
  "labels",
];

for (const page of pages) {
  describe(page, () => {
    const blocks = conformanceBlocks(new URL(`${page}.md`, import.meta.url));
    it.each(blocks.map((block) => [block.heading, block] as const))("%s", (_, block) => {
      const { diagnostics } = checkText(host({}), sourceOf(block));
      expect(differences(block, diagnostics)).toEqual([]);
    });
  });
}

describe("the combinations of the language reference", () => {
  const blocks = conformanceBlocks(new URL("language.md", import.meta.url));
  const model = blocks.find(({ heading }) => heading.startsWith("Named groups"))!.text;
  const combinations = blocks
    .find(({ language }) => language === "dml-combine")!
    .text.trimEnd()
    .split("\n");
  it.each(combinations)("%s", (line) => {
    const text = model.replace(/combine: hierarchical \{.*?\n {2}\}/s, `combine: ${line}`);
    const source = { path: "main.dml", text: `dataset icons = icon_sets()\n${text}`, standard: false };
    const { diagnostics, models } = checkText(host({}), source);
    expect(diagnostics).toEqual([]);
    expect(models).toHaveLength(1);
  });
});
