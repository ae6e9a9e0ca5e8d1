/**
 * A training run holds no more after many steps than after a few: tfjs's tensors and their bytes, the handles of
 * tfjs-node's binding, wasm's memory. `bench/memory_flat.mjs` does the same over 10,000 steps, and looks at the process.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { engineMemory } from "../../bench/engine_memory.mjs";
import { checkFile } from "../../src/compile.ts";
import { locateTensorflow } from "../../src/runtime/engine/tensorflow/locate.ts";
import { host } from "../check/harness.ts";
import { programOf } from "../emit/trained.ts";
import { runInto, silent } from "./running.ts";

const folder = mkdtempSync(join(tmpdir(), "dmlc-memory-"));
afterAll(() => rmSync(folder, { recursive: true }));

const { backend, reason } = locateTensorflow();
if (backend === undefined) console.log(`the tensorflow engine is not tested: ${reason}`);

const SPEC = readFileSync(new URL("../../bench/memory_flat.dml", import.meta.url), "utf8");

describe("what a run holds stays the same", () => {
  const engines = ["wasm", ...(backend === undefined ? [] : ["tensorflow"])] as ("wasm" | "tensorflow")[];
  test.each(engines)("on %s", { timeout: 60_000 }, async (engine) => {
    const { diagnostics, models } = checkFile(host({ "spec.dml": SPEC }), "spec.dml")!;
    expect(diagnostics).toEqual([]);
    const readings: ReturnType<typeof engineMemory>[] = [];
    const out = join(folder, engine);
    await runInto(out, await programOf(models[0]!), {
      engine,
      steps: 150,
      reporter: {
        ...silent,
        step({ step }) {
          if (step % 50 === 0) readings.push(engineMemory());
        },
      },
    });
    const [first, second, third] = readings;
    expect(second).toEqual(first);
    expect(third).toEqual(first);
    expect(first!.binding_handles ?? first!.wasm_bytes).toBeGreaterThan(0);
    expect(readFileSync(join(out, "log.jsonl"), "utf8")).toContain("training step: captured");
  });
});
