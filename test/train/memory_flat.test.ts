/**
 * A training run holds no more after many steps than after a few: tfjs's tensors and their bytes, the handles of
 * tfjs-node's binding, wasm's memory. `bench/memory_flat.mjs` does the same over 10,000 steps, and looks at the process.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, describe, expect, test } from "vitest";
import { checkFile } from "../../src/compile.ts";
import { locateTensorflow } from "../../src/runtime/engine/tensorflow/locate.ts";
import { runProgram } from "../../src/runtime/run.ts";
import { host } from "../check/harness.ts";
import { programOf } from "../emit/trained.ts";

const folder = mkdtempSync(join(tmpdir(), "dmlc-memory-"));
afterAll(() => rmSync(folder, { recursive: true }));

const { backend, reason } = locateTensorflow();
if (backend === undefined) console.log(`the tensorflow engine is not tested: ${reason}`);

/** A net with state, a mined loss, proxies, a memory, learned weights. */
const SPEC = `
dataset images = folder("images") { image: gray(12x12), split: zero_shot(train: 0.5), augment: flip }
model m {
  data: images
  backbone: conv(4, kernel: 3) |> batch_norm |> relu |> max_pool(2)
  embedding: linear(8) |> normalize
  losses {
    rank: triplet(margin: 0.2) on semi_hard
    arc: arcface(scale: 16)
    pull: contrastive against memory(32)
  }
  combine: learned(rank, arc, pull)
  train { batch: 4 classes * 3 samples  optimizer: adamw(lr: 1e-3, clip: 10)  steps: 150 }
  evaluate { recall_at: [1] }
}`;

/** What is held now: numbers that garbage has no part in. */
function held(): Record<string, number | undefined> {
  const { numTensors, numBytes } = tf.memory();
  const { binding, wasm } = tf.backend() as unknown as {
    binding?: { getNumOfTensors(): number };
    wasm?: { HEAPU8: Uint8Array };
  };
  return {
    tensors: numTensors,
    bytes: numBytes,
    handles: binding?.getNumOfTensors(),
    heap: wasm?.HEAPU8.length,
  };
}

describe("what a run holds stays the same", () => {
  const engines = ["wasm", ...(backend === undefined ? [] : ["tensorflow"])] as ("wasm" | "tensorflow")[];
  test.each(engines)("on %s", { timeout: 60_000 }, async (engine) => {
    const { diagnostics, models } = checkFile(host({ "spec.dml": SPEC }), "spec.dml")!;
    expect(diagnostics).toEqual([]);
    const readings: Record<string, number | undefined>[] = [];
    const out = join(folder, engine);
    await runProgram(await programOf(models[0]!), {
      engine,
      out,
      specDirectory: folder,
      projectRoot: folder,
      allowOutside: false,
      cacheDirectory: folder,
      reporter: {
        phase() {},
        work() {},
        message() {},
        close() {},
        step({ step }) {
          if (step % 50 === 0) readings.push(held());
        },
      },
    });
    const [first, second, third] = readings;
    expect(second).toEqual(first);
    expect(third).toEqual(first);
    expect(first!["handles"] ?? first!["heap"]).toBeGreaterThan(0);
    expect(readFileSync(join(out, "log.jsonl"), "utf8")).toContain("training step: captured");
  });
});
