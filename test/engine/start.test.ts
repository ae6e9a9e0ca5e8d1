/**
 * Choosing and starting an engine.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import * as tf from "@tensorflow/tfjs-core";
import { type EngineChoice, EngineError, startEngine } from "../../src/runtime/engine/index.ts";

test("an unknown engine is an error that names the known ones", async () => {
  await expect(startEngine("webgl" as EngineChoice)).rejects.toThrow(EngineError);
  await expect(startEngine("cpu" as EngineChoice)).rejects.toThrow(
    /^unknown engine "cpu": expected auto, .*wasm$/,
  );
});

test("the wasm engine starts, once, and says why it was taken", async () => {
  const listeners = (): number =>
    process.listenerCount("uncaughtException") + process.listenerCount("unhandledRejection");
  const before = listeners();
  const asked = await startEngine("wasm");
  expect(listeners(), "listeners of the backend's loader").toBe(before);
  expect(tf.getBackend()).toBe("wasm");
  expect(asked).toMatchObject({ name: "wasm", reason: "asked for" });
  expect(asked.description).toMatch(/^tfjs wasm \d+\.\d+\.\d+, SIMD, one thread/);
  // What this machine has installed is not asked.
  vi.stubEnv("DMLC_CACHE", join(tmpdir(), "dmlc-nothing-here"));
  vi.stubEnv("DMLC_BACKEND_DIR", "");
  const found = await startEngine("auto");
  vi.unstubAllEnvs();
  expect(found.name).toBe("wasm");
  expect(found.reason).not.toBe(asked.reason);
});

test("with an engine started, gradients are there", async () => {
  await startEngine("wasm");
  expect(tf.getGradient("MatMul")).toBeUndefined();
  for (const kernel of ["BatchMatMul", "Conv2D", "MaxPool", "GatherV2", "TopK"]) {
    expect(tf.getGradient(kernel), kernel).toBeDefined();
  }
});
