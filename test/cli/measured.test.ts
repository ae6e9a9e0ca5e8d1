/** What was measured before stands beside a run's results only while the spec is the one that was measured. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkFile } from "../../src/compile.ts";
import { specHash } from "../../src/cli/compilation.ts";
import { nodeHost } from "../../src/cli/host.ts";
import { measuredBeside } from "../../src/cli/measured.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dmlc-measured-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const row = { label: "best single loss, measured", metrics: { recall_at_1: 0.5 } };

test("rows of the same spec, and of no other", () => {
  const spec = join(folder, "spec.dml");
  expect(measuredBeside(spec, "abc")).toEqual([]);
  writeFileSync(join(folder, "spec.measured.json"), JSON.stringify({ spec_hash: "abc", rows: [row] }));
  expect(measuredBeside(spec, "abc")).toEqual([row]);
  expect(measuredBeside(spec, "abd")).toEqual([]);
  expect(measuredBeside(join(folder, "spec"), "abc")).toEqual([]);
});

test("a file that is no such table is passed over", () => {
  const spec = join(folder, "spec.dml");
  for (const text of ["", "[]", '{"spec_hash": 1}', '{"spec_hash": "abc", "rows": [{"label": "x"}]}']) {
    writeFileSync(join(folder, "spec.measured.json"), text);
    expect(measuredBeside(spec, "abc")).toEqual([]);
  }
});

test("the example's table is of the example", () => {
  const path = join(import.meta.dirname, "..", "..", "examples", "icons.dml");
  const { module } = checkFile(nodeHost(path), path)!;
  const [best] = measuredBeside(path, specHash(module));
  expect(best?.label).toContain("best single loss");
});
