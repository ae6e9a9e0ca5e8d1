/** `results.json` and its table. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPaint } from "../../src/runtime/report/color.ts";
import { readResults, writeResults } from "../../src/runtime/report/results.ts";
import type { Results } from "../../src/runtime/report/results.ts";
import { resultsTable } from "../../src/runtime/report/results_table.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "dmlc-results-"));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

const results: Results = {
  model: "icons",
  spec_hash: "0123abcd",
  engine: "wasm",
  seed: 7,
  steps: 400,
  data: {
    train_classes: 280,
    validation_classes: 71,
    test_classes: 355,
    train_samples: 5300,
    test_samples: 6700,
  },
  test: {
    pixels: { recall_at_1: 0.28, recall_at_10: 0.5, map_at_r: 0.1 },
    untrained: { recall_at_1: 0.31, recall_at_10: 0.55, map_at_r: 0.12 },
    heads: {
      pull: { recall_at_1: 0.61, recall_at_10: 0.8, map_at_r: 0.29 },
      soft: { recall_at_1: 0.6, recall_at_10: 0.81 },
    },
    ensemble: { recall_at_1: 0.65, recall_at_10: 0.85, map_at_r: 0.32 },
    compressed: { recall_at_1: 0.65, recall_at_10: 0.84, map_at_r: 0.318 },
  },
  compression: {
    to: 64,
    metric: "strain",
    discarded_energy: 0.01,
    expected_lost_distance: 0.02,
    heads: "kept",
  },
  weights: { pull: 0.4, soft: 0.6 },
  head_weights: { pull: 0.5, soft: 0.5 },
  timing: { ms_per_step: 190.5, evaluation_ms: 12_000 },
};

describe("results.json", () => {
  test("is read as it was written, and is text a person can read", async () => {
    const path = join(directory, "results.json");
    await writeResults(path, results);
    expect(await readResults(path)).toEqual(results);
    const text = await readFile(path, "utf8");
    expect(Object.keys(JSON.parse(text))).toEqual([
      "model",
      "spec_hash",
      "engine",
      "seed",
      "steps",
      "data",
      "test",
      "compression",
      "weights",
      "head_weights",
      "timing",
    ]);
    expect(text.split("\n")[1]).toBe('  "model": "icons",');
    expect(text.endsWith("}\n")).toBe(true);
  });

  test("without compression", async () => {
    const path = join(directory, "plain.json");
    const { compression: _, ...rest } = results;
    const { compressed: __, ...tested } = results.test;
    await writeResults(path, { ...rest, test: tested });
    expect(await readResults(path)).toEqual({ ...rest, test: tested });
  });

  test("holds no value that JSON cannot, and no metric that there is not", async () => {
    const path = join(directory, "bad.json");
    const withPixels = (pixels: Record<string, number>): Results => ({
      ...results,
      test: { ...results.test, pixels },
    });
    await expect(writeResults(path, withPixels({ nmi: NaN }))).rejects.toThrow("test.pixels.nmi");
    await expect(writeResults(path, withPixels({ nmi: 1.5 }))).rejects.toThrow("test.pixels.nmi");
    await expect(writeResults(path, withPixels({ recall_at_0: 0.5 }))).rejects.toThrow("recall_at_0");
    await expect(writeResults(path, { ...results, weights: { pull: Infinity } })).rejects.toThrow(
      "weights.pull",
    );
    await expect(readFile(path)).rejects.toThrow("ENOENT");
  });

  test("reading names the file and the field", async () => {
    const path = join(directory, "broken.json");
    await writeFile(path, JSON.stringify({ ...results, seed: "7" }));
    await expect(readResults(path)).rejects.toThrow(/broken\.json does not hold valid results:[^]*seed/);
    await writeFile(path, "{");
    await expect(readResults(path)).rejects.toThrow(`cannot read ${path}`);
  });
});

describe("the table", () => {
  test("aligned columns, a row for each embedding", () => {
    expect(resultsTable(results.test)).toBe(
      [
        "               R@1    R@10   MAP@R",
        "pixels      0.2800  0.5000  0.1000",
        "untrained   0.3100  0.5500  0.1200",
        "head pull   0.6100  0.8000  0.2900",
        "head soft   0.6000  0.8100       -",
        "ensemble    0.6500  0.8500  0.3200",
        "compressed  0.6500  0.8400  0.3180",
      ].join("\n"),
    );
  });

  test("colours change nothing but colours; the best of a column is bold", () => {
    const coloured = resultsTable(results.test, createPaint(true));
    expect(stripVTControlCharacters(coloured)).toBe(resultsTable(results.test));
    const bold = coloured.split("\x1b[1m").slice(1);
    expect(bold.map((text) => text.split("\x1b")[0])).toEqual(["0.6500", "0.8500", "0.3200", "0.6500"]);
  });
});
