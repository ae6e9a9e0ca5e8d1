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

describe("the single losses that the ensemble is measured against", () => {
  const benches = join(root, "bench", "icons");
  /** A spec without its documentation, its name, its losses and what makes one of several. */
  const task = (text: string): string =>
    text
      .replace(/^\/\/\/.*\n/gm, "")
      .replace(/^model \w+/m, "model")
      .replace(/^ {2}(embedding|combine):.*\n/gm, "")
      .replace(/losses \{[^}]*\}/, "losses {}")
      .replace(/\n{2,}/g, "\n");
  const ensemble = readFileSync(join(folder, "icons.dml"), "utf8");

  test.each(readdirSync(benches))("%s: the task of examples/icons.dml, at its total dimension", (file) => {
    const path = join(benches, file);
    expect(task(readFileSync(path, "utf8"))).toBe(task(ensemble));
    const dimensions = [path, join(folder, "icons.dml")].map((each) =>
      checkFile(nodeHost(each), each)!.models[0]!.heads.reduce((sum, head) => sum + head.dim, 0),
    );
    expect(dimensions[0]).toBe(dimensions[1]);
    expect(
      readFileSync(path, "utf8")
        .match(/losses \{[^}]*\}/)![0]
        .split("\n"),
    ).toHaveLength(3);
  });
});
