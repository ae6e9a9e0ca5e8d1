import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeHost } from "../../src/cli/host.ts";
import { checkFile, emitModel } from "../../src/compile.ts";
import { root } from "./emitted.ts";

const folder = join(root, "examples");
const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".dml"))
  .sort();

test("there are examples of what the README names", () => {
  expect(files).toEqual(expect.arrayContaining(["icons.dml", "icon_search.dml", "folder.dml"]));
});

describe.each(files)("examples/%s", (file) => {
  const path = join(folder, file);

  test("says in its first line what it shows", () => {
    expect(readFileSync(path, "utf8").split("\n")[0]).toMatch(/^\/\/\/ [A-Z].{30,}/);
  });

  test("checks without a diagnostic, and compiles", async () => {
    const { diagnostics, models } = checkFile(nodeHost(path), path)!;
    expect(diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([]);
    expect(models.length).toBe(file.startsWith("losses/") ? 0 : 1);
    for (const model of models) {
      const emitted = await emitModel(model, { specFile: file, specHash: "0".repeat(64), compiler: "dmlc" });
      expect("text" in emitted && emitted.text).toContain("await main(program, import.meta.url);");
    }
  });
});
