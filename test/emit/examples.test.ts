import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeHost } from "../../src/cli/host.ts";
import { checkFile, emitModel } from "../../src/compile.ts";
import type { ModelPlan } from "../../src/plan/plan.ts";
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

describe("what the ensemble of examples/icons.dml is measured against", () => {
  const benches = join(root, "bench", "icons");
  const ensemble = join(folder, "icons.dml");
  /** The parts of a spec that make the task: data, training, evaluation, compression. */
  const task = (path: string): string[] => {
    const text = readFileSync(path, "utf8");
    return [
      /^dataset [^]*?^\}/m,
      /^ {2}train \{[^]*?^ {2}\}/m,
      /^ {2}evaluate \{.*\}/m,
      /^ {2}compress: .*/m,
    ].map((part) => part.exec(text)![0]);
  };

  test.each(readdirSync(benches))("%s: the same task at the same total dimension", (file) => {
    const path = join(benches, file);
    expect(task(path)).toEqual(task(ensemble));
    const [own, whole] = [path, ensemble].map((each) => checkFile(nodeHost(each), each)!.models[0]!);
    const dimension = ({ heads }: ModelPlan): number => heads.reduce((sum, head) => sum + head.dim, 0);
    expect(dimension(own!)).toBe(dimension(whole!));
    // One loss, however often.
    expect(new Set(own!.losses.map((loss) => loss.text.replace(/^\w+:\s*/, ""))).size).toBe(1);
  });
});
