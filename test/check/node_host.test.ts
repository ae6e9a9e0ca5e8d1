/** Imports from a disk stay within the project, links followed. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { nodeHost } from "../../src/cli/host.ts";
import { checkFile } from "../../src/compile.ts";
import { marks } from "./harness.ts";

const folder = mkdtempSync(join(tmpdir(), "dmlc-imports-"));
const project = join(folder, "project");
afterAll(() => rmSync(folder, { recursive: true }));

mkdirSync(join(project, "specs"), { recursive: true });
mkdirSync(join(folder, "outside"));
const gap = "distance gap(u, v) = norm(u - v)\n";
writeFileSync(join(project, "package.json"), "{}");
writeFileSync(join(folder, "outside", "gap.dml"), gap);
writeFileSync(join(project, "gap.dml"), gap);
symlinkSync(join(folder, "outside", "gap.dml"), join(project, "specs", "linked.dml"));
symlinkSync(join(folder, "outside"), join(project, "specs", "folder"));

test.each([
  ["../gap.dml", []],
  ["./linked.dml", ['DML0206 "./linked.dml"']],
  ["./folder/gap.dml", ['DML0206 "./folder/gap.dml"']],
  ["../../outside/gap.dml", ['DML0206 "../../outside/gap.dml"']],
  [join(project, "gap.dml"), [`DML0206 "${join(project, "gap.dml")}"`]],
  ["../package.json", ['DML0206 "../package.json"']],
  ["./none.dml", ['DML0205 "./none.dml"']],
])("import from %s", (specifier, expected) => {
  const spec = join(project, "specs", "main.dml");
  writeFileSync(
    spec,
    `import { gap } from "${specifier}"\nloss l() { mean[i, j | same(i, j)] gap(x[i], x[j]) }\n`,
  );
  const found = marks(checkFile(nodeHost(spec), spec)!.diagnostics);
  expect(found).toEqual(expected);
});

test("a file that cannot be read", () => {
  expect(checkFile(nodeHost(join(project, "nothing.dml")), join(project, "nothing.dml"))).toBeUndefined();
});

test("the library's own files are checked as such", () => {
  const library = join(import.meta.dirname, "..", "..", "stdlib");
  const path = join(library, "layers", "layers.dml");
  expect(checkFile(nodeHost(path), path)!.diagnostics).toEqual([]);
  const copy = join(project, "layers.dml");
  writeFileSync(copy, "primitive layer conv2(channels: int): image[h, w, c] -> image[_, _, channels]\n");
  expect(checkFile(nodeHost(copy), copy)!.diagnostics).not.toEqual([]);
});
