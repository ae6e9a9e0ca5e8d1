/** What the webgpu engine says of itself without a GPU: where its packages are looked for, and what is missing. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { isSoftware, name, whatIsMissing } from "../../src/runtime/engine/webgpu/adapter.ts";
import { dawnFolder, webgpuPackages } from "../../src/runtime/engine/webgpu/install.ts";
import type { GpuAdapter } from "../../src/runtime/engine/webgpu/load.ts";
import { cachedPackage, locateWebgpu } from "../../src/runtime/engine/webgpu/locate.ts";

const cache = mkdtempSync(join(tmpdir(), "dmlc-webgpu-"));
afterAll(() => rmSync(cache, { recursive: true }));

function write(name: string, file: string, text = ""): void {
  const path = join(cachedPackage(name, cache), file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

describe("the packages", () => {
  test("are pinned by integrity", () => {
    for (const { integrity, version } of webgpuPackages) {
      expect(integrity).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });

  test("have a build for the usual platforms", () => {
    expect(dawnFolder("linux", "x64")).toBe("linux-x64");
    expect(dawnFolder("darwin", "arm64")).toBe("darwin-universal");
    expect(dawnFolder("freebsd", "x64")).toBeUndefined();
  });

  test.skipIf(dawnFolder() === undefined)("are found once all of their files are there", () => {
    expect(locateWebgpu(cache)).toBeUndefined();
    write("webgpu", "package.json", '{ "version": "1.2.3" }');
    write("webgpu", "index.js");
    write("@tensorflow/tfjs-backend-webgpu", "package.json", '{ "version": "4.5.6" }');
    write("@tensorflow/tfjs-backend-webgpu", "dist/tf-backend-webgpu.node.js");
    expect(locateWebgpu(cache)).toBeUndefined();
    write("webgpu", `dist/${dawnFolder()}/dawn.node`);
    expect(locateWebgpu(cache)).toMatchObject({ dawnVersion: "1.2.3", backendVersion: "4.5.6" });
  });
});

describe("without an adapter", () => {
  const missing = (
    environment: Record<string, string>,
    there: readonly string[],
    drivers: readonly string[] = [],
  ): string =>
    whatIsMissing(
      "linux",
      environment,
      (path) => there.includes(path),
      () => drivers,
    );
  const loader = "/usr/lib/x86_64-linux-gnu/libvulkan.so.1";
  const folder = "/usr/share/vulkan/icd.d";

  test("the message names what is missing", () => {
    expect(missing({}, [])).toContain("libvulkan1");
    expect(missing({}, [loader])).toContain("no Vulkan driver is installed");
    expect(missing({}, [loader, folder], ["radeon.json"])).toContain(`(${folder}/radeon.json)`);
    expect(missing({ VK_DRIVER_FILES: "/none.json" }, [loader, folder], ["radeon.json"])).toContain(
      "/none.json",
    );
    expect(missing({ LD_LIBRARY_PATH: "/opt/vk" }, ["/opt/vk/libvulkan.so.1"])).toContain("no Vulkan driver");
    expect(whatIsMissing("darwin")).toContain("Metal");
    expect(whatIsMissing("win32")).toContain("Direct3D");
  });
});

describe("an adapter", () => {
  const adapter = (info: Partial<GpuAdapter["info"]>): GpuAdapter =>
    ({
      info: { vendor: "", architecture: "", device: "", description: "", ...info },
    }) as unknown as GpuAdapter;

  test("that computes on the CPU is known", () => {
    expect(isSoftware(adapter({ isFallbackAdapter: true }))).toBe(true);
    expect(isSoftware(adapter({ description: "llvmpipe: Mesa 25.0.7 (LLVM 15.0.6)" }))).toBe(true);
    expect(isSoftware(adapter({ description: "NVIDIA H200", isFallbackAdapter: false }))).toBe(false);
  });

  test("has the name that says most", () => {
    expect(name(adapter({ description: "NVIDIA H200: 570.1", device: "h200" }))).toBe("NVIDIA H200: 570.1");
    expect(name(adapter({ vendor: "apple", architecture: "metal-3" }))).toBe("apple metal-3");
    expect(name(adapter({}))).toBe("GPU");
  });
});
