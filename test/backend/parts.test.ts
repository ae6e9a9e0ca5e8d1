/** The pinned parts, and the reading of wheels. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { diskError } from "../../src/cli/backend/folders.ts";
import { neededBytes, pinsFor, supportedMachines } from "../../src/cli/backend/pins.ts";
import { unpackEntry, ZipError, zipEntries } from "../../src/cli/backend/zip.ts";
import { ownPackage } from "../../src/cli/package.ts";
import { RunError } from "../../src/runtime/errors.ts";
import { TFJS_VERSION } from "../../src/runtime/engine/tensorflow/locate.ts";
import { zip } from "./machine.ts";

describe("pins", () => {
  const all = [false, true].flatMap((cuda) =>
    supportedMachines(cuda).map((machine) => ({ machine, cuda, pins: pinsFor(machine, cuda)! })),
  );

  test("are complete: a checksum, a size and a file name that pip's platform leads to", () => {
    expect(all.map(({ machine, cuda }) => `${machine}${cuda ? " cuda" : ""}`)).toEqual([
      "linux-x64",
      "linux-arm64",
      "darwin-arm64",
      "linux-x64 cuda",
    ]);
    for (const { pins } of all) {
      for (const wheel of pins.wheels) {
        expect(wheel.sha256).toMatch(/^[0-9a-f]{64}$/);
        expect(wheel.file).toContain(`-${wheel.version}-`);
        expect(wheel.file).toContain(wheel.platform);
        expect(wheel.file.startsWith(wheel.project.replaceAll("-", "_"))).toBe(true);
        expect(wheel.size).toBeGreaterThan(3e6);
      }
      for (const { integrity } of [...pins.packages, pins.headers])
        expect(integrity).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
      expect(new Set(pins.wheels.map(({ sha256 }) => sha256)).size).toBe(pins.wheels.length);
    }
    expect(pinsFor("win32-x64", false)).toBeUndefined();
    expect(pinsFor("linux-arm64", true)).toBeUndefined();
  });

  test("tfjs is the one that dmlc itself depends on", () => {
    expect(ownPackage().json.dependencies["@tensorflow/tfjs-core"]).toBe(TFJS_VERSION);
    const node = pinsFor("linux-x64", false)!.packages.find(({ name }) => name.includes("tfjs-node"));
    expect(node!.version).toBe(TFJS_VERSION);
  });

  test.each([
    ["tensorflow/libtensorflow_cc.so.2", true],
    ["tensorflow/libtensorflow_framework.2.dylib", true],
    ["tensorflow/include/tensorflow/c/eager/c_api.h", true],
    ["tensorflow/include/absl/log/globals.h", true],
    ["tensorflow/include/Eigen/Core", false],
    ["tensorflow/python/lib_pywrap_tensorflow_common.so", false],
    ["evil/tensorflow/libtensorflow_cc.so.2", false],
  ])("of TensorFlow's wheel, %s: %s", (path, kept) => {
    expect(pinsFor("linux-x64", false)!.wheels[0]!.keep.test(path)).toBe(kept);
  });

  test.each([
    ["nvidia/cudnn/lib/libcudnn_ops.so.9", true],
    ["nvidia/cuda_nvcc/bin/ptxas", true],
    ["nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc", true],
    ["nvidia/cuda_nvrtc/lib/libnvrtc-builtins.so.12.9", true],
    ["nvidia_cudnn_cu12-9.28.0.42.dist-info/licenses/License.txt", true],
    ["nvidia/cuda_nvrtc/lib/libnvrtc.alt.so.12", false],
    ["nvidia/cusolver/lib/libcusolverMg.so.11", false],
    ["nvidia/cublas/include/cublas.h", false],
  ])("of CUDA's wheels, %s: %s", (path, kept) => {
    expect(pinsFor("linux-x64", true)!.wheels[1]!.keep.test(path)).toBe(kept);
  });

  test("the disk an installation needs counts the largest wheel twice", () => {
    const pins = pinsFor("linux-x64", false)!;
    const [wheel] = pins.wheels;
    expect(neededBytes(pins)).toBe(wheel!.unpacked + 2 * wheel!.size + 50_000_000);
  });
});

test.each([
  ["ENOSPC", "the disk is full at /cache"],
  ["EDQUOT", "the disk is full at /cache"],
  ["EROFS", "cannot write the cache at /cache"],
])("a disk's %s says what to do", (code, said) => {
  const error = diskError("/cache", Object.assign(new Error("it failed"), { code }));
  expect(error).toBeInstanceOf(RunError);
  expect((error as RunError).message).toContain(said);
  expect((error as RunError).help).toContain("DMLC_CACHE");
});

describe("zip archives", () => {
  let folder: string;
  const signal = new AbortController().signal;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "dmlc-zip-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const files = { "a/long.txt": "many words ".repeat(20_000), "b.txt": "b", "empty.txt": "" };

  test.each([{}, { stored: true }, { long: true }, { long: true, stored: true }])(
    "written with %j are read as they were",
    async (options) => {
      const path = join(folder, "x.zip");
      writeFileSync(path, zip(files, options));
      const entries = await zipEntries(path);
      expect(entries.map(({ name, size }) => [name, size])).toEqual(
        Object.entries(files).map(([name, text]) => [name, text.length]),
      );
      let bytes = 0;
      for (const entry of entries) {
        const target = join(folder, "out", entry.name);
        await unpackEntry(path, entry, target, (count) => void (bytes += count), signal);
        expect(readFileSync(target, "utf8")).toBe(files[entry.name as keyof typeof files]);
      }
      expect(bytes).toBe(220_001);
    },
  );

  test("a program stays one", async () => {
    const path = join(folder, "x.zip");
    writeFileSync(path, zip({ ptxas: "#!" }, { mode: 0o744 }));
    const [entry] = await zipEntries(path);
    await unpackEntry(path, entry!, join(folder, "ptxas"), () => {}, signal);
    expect(statSync(join(folder, "ptxas")).mode & 0o100).toBe(0o100);
  });

  test.each([
    ["no archive", Buffer.from("a text, and no archive at all")],
    ["an empty file", Buffer.alloc(0)],
    ["one that was cut", zip(files).subarray(100)],
  ])("%s is refused", async (_, bytes) => {
    const path = join(folder, "x.zip");
    writeFileSync(path, bytes);
    await expect(zipEntries(path)).rejects.toThrow(ZipError);
  });

  test("an entry whose content is not there is refused", async () => {
    const path = join(folder, "x.zip");
    writeFileSync(path, zip(files));
    const [entry] = await zipEntries(path);
    const broken = { ...entry!, size: 5 };
    await expect(unpackEntry(path, broken, join(folder, "y"), () => {}, signal)).rejects.toThrow(
      "a/long.txt is broken",
    );
  });
});
