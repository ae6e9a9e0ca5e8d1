/** Where an installed engine is found, and why one is not taken. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  backendDirectory,
  currentManifest,
  locateTensorflow,
  MANIFEST,
} from "../../src/runtime/engine/tensorflow/locate.ts";
import type { BackendManifest } from "../../src/runtime/engine/tensorflow/locate.ts";

const FILES = ["lib/tfjs_binding.node", "tensorflow/library"];
let cache: string;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "dmlc-locate-"));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

/** Puts a folder as an installation leaves it; answers where. */
function installed(cuda: boolean, change: Partial<BackendManifest> = {}, directory?: string): string {
  const folder = directory ?? backendDirectory(cuda, cache);
  for (const file of FILES) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), "");
  }
  writeFileSync(join(folder, MANIFEST), JSON.stringify({ ...currentManifest(cuda, FILES), ...change }));
  return folder;
}

const locate = (more: Record<string, string> = {}): ReturnType<typeof locateTensorflow> =>
  locateTensorflow({ DMLC_CACHE: cache, ...more });

test("nothing is installed", () => {
  expect(locate()).toEqual({ reason: "not installed" });
});

test("what is installed is found by the cache, with its manifest", () => {
  const directory = installed(false);
  expect(locate().backend).toEqual({ directory, manifest: currentManifest(false, FILES) });
});

test("one with CUDA comes before one without", () => {
  installed(false);
  const directory = installed(true);
  expect(locate().backend!.directory).toBe(directory);
  rmSync(join(directory, FILES[1]!));
  expect(locate().backend!.manifest.cuda).toBe(false);
});

test.each([
  [{ tensorflow: "2.20.0" }, /another version of dmlc \(TensorFlow 2\.20\.0, tfjs 4\.22\.0/],
  [{ layout: 0 }, /another version of dmlc .*layout 0/],
  [{ platform: "plan9-mips" }, /it is for plan9-mips, not for /],
  [{ files: ["lib/tfjs_binding.node", "gone"] }, /gone is missing/],
  [{ files: "all" as unknown as string[] }, /backend\.json is damaged/],
])("%j is not taken", (change, reason) => {
  installed(false, change);
  expect(locate().backend).toBeUndefined();
  expect(locate().reason).toMatch(reason);
});

test.each(["", "{", "null", "[]", '"text"'])("a manifest that reads %j is damaged", (text) => {
  writeFileSync(join(installed(false), MANIFEST), text);
  expect(locate().reason).toMatch(/is damaged$/);
});

test("DMLC_BACKEND_DIR names the folder, and no other is taken", () => {
  installed(false);
  const elsewhere = installed(false, {}, join(cache, "elsewhere"));
  expect(locate({ DMLC_BACKEND_DIR: elsewhere }).backend!.directory).toBe(elsewhere);
  expect(locate({ DMLC_BACKEND_DIR: join(cache, "empty") })).toEqual({
    reason: `DMLC_BACKEND_DIR is ${join(cache, "empty")}: there is no backend.json in that folder`,
  });
  expect(locate({ DMLC_BACKEND_DIR: "" }).backend!.directory).toBe(backendDirectory(false, cache));
});

test("a folder is named by the versions, the machine and CUDA", () => {
  expect(backendDirectory(true, "/cache", "linux-x64")).toMatch(
    /backends.tensorflow-\d+\.\d+\.\d+-tfjs-\d+\.\d+\.\d+-linux-x64-cuda-\d+$/,
  );
});
