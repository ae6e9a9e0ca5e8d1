/** Installing the native engine, and every way in which it can fail: a clear message, and nothing half installed. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { installTensorflow } from "../../src/cli/backend/install_tensorflow.ts";
import type { InstallOptions } from "../../src/cli/backend/install_tensorflow.ts";
import { RunError, RunInterrupted } from "../../src/runtime/errors.ts";
import { backendDirectory, MANIFEST, readBackend } from "../../src/runtime/engine/tensorflow/locate.ts";
import { machine, works } from "./machine.ts";
import type { Machine } from "./machine.ts";

const host = hostname().replace(/[^A-Za-z0-9.]/g, "_");
let here: Machine;

beforeEach(() => {
  here = machine();
});
afterEach(() => here.clean());

async function failure(options: InstallOptions): Promise<RunError> {
  const error: unknown = await installTensorflow(options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RunError);
  return error as RunError;
}

describe("installing", () => {
  test("fetches, verifies, builds, tests and keeps what is needed", async () => {
    const tested: string[] = [];
    const check = (directory: string): Promise<typeof works> => {
      tested.push(directory);
      expect(readBackend(directory).backend).toBeDefined();
      return Promise.resolve(works);
    };
    const { directory, already } = await installTensorflow(here.options({}, { check }));
    expect(already).toBe(false);
    expect(directory).toBe(backendDirectory(false, here.cache));
    expect(tested).toHaveLength(1);
    expect(tested[0]).not.toBe(directory);

    const backend = readBackend(directory).backend!;
    expect(backend.manifest.cuda).toBe(false);
    const files = here.installed().map((path) => path.split("/").slice(1).join("/"));
    expect(files).toContain("lib/tfjs_binding.node");
    expect(files).toContain("lib/quiet.node");
    expect(files).toContain("tensorflow/THIRD_PARTY_NOTICES.txt");
    expect(files).toContain("node_modules/@tensorflow/tfjs-node-gpu/dist/index.js");
    expect(files).toContain("node_modules/google-protobuf/google-protobuf.js");
    for (const gone of ["include", "not_kept", "install.js", ".cc", "build", "wheel", ".partial"])
      expect(files.filter((path) => path.includes(gone))).toEqual([]);
    for (const name of ["tfjs", "tfjs-core"])
      expect(readFileSync(join(directory, `node_modules/@tensorflow/${name}/index.js`), "utf8")).toContain(
        'globalThis[Symbol.for("dmlc.tfjs-core")]',
      );
  });

  test("asks pip for the pinned wheel of this platform and npm for packages without scripts", async () => {
    await installTensorflow(here.options());
    const pip = here.asked().find((line) => line.includes(" download "))!;
    expect(pip).toContain("--no-deps --only-binary=:all: --platform=manylinux_2_27_x86_64");
    expect(pip).toContain("--python-version=3.11");
    expect(pip).toMatch(/tensorflow-cpu==2\.21\.0$/);
    const npm = here.asked().find((line) => line.startsWith("npm "))!;
    expect(npm).toContain("pack --ignore-scripts");
    expect(npm).toContain("@tensorflow/tfjs-node-gpu@1.0.0 google-protobuf@1.0.0 node-api-headers@1.0.0");
  });

  test("does nothing where it is installed", async () => {
    await installTensorflow(here.options());
    const before = here.asked().length;
    expect((await installTensorflow(here.options())).already).toBe(true);
    expect(here.asked()).toHaveLength(before);
  });

  test("takes a wheel that was brought by other means, and needs no pip then", async () => {
    here.without("python3");
    await installTensorflow(here.options({}, { wheels: [here.wheelFile] }));
    expect(readBackend(backendDirectory(false, here.cache)).backend).toBeDefined();
    expect(existsSync(here.wheelFile)).toBe(true);
  });

  test("replaces an installation that is damaged, and removes what a killed one left", async () => {
    const directory = backendDirectory(false, here.cache);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, MANIFEST), "{");
    // No process has this number: it is above the largest that systems give out.
    const dead = join(here.cache, "backends", `.partial-${host}-99999999-abc`);
    const living = join(here.cache, "backends", `.partial-${host}-${process.pid}-abc`);
    for (const folder of [dead, living]) mkdirSync(folder);
    await installTensorflow(here.options());
    expect(readBackend(directory).backend).toBeDefined();
    expect(existsSync(dead)).toBe(false);
    expect(existsSync(living)).toBe(true);
  });

  test("two at once do each other no harm", async () => {
    const both = await Promise.all([0, 1].map(() => installTensorflow(here.options())));
    expect(both[0]!.directory).toBe(both[1]!.directory);
    expect(readBackend(both[0]!.directory).backend).toBeDefined();
    expect(here.installed().filter((path) => path.startsWith(".partial"))).toEqual([]);
  });
});

describe("what fails leaves nothing behind, and says what to do", () => {
  afterEach(() => expect(here.installed()).toEqual([]));

  test("no pip: the files and their checksums, so that they can be brought", async () => {
    here.without("python3");
    const { message, help } = await failure(here.options());
    expect(message).toContain("there is no pip");
    expect(help).toContain("apt-get install python3-pip");
    expect(help).toContain(`${here.pins.wheels[0]!.file} (sha256 ${here.pins.wheels[0]!.sha256})`);
  });

  test("no compiler, before anything is fetched", async () => {
    here.without("c++");
    const { message, help } = await failure(here.options());
    expect(message).toBe("there is no C++ compiler");
    expect(help).toContain("apt-get install g++");
    expect(here.asked()).toEqual([]);
  });

  test("CXX names a compiler that is not there", async () => {
    const { message } = await failure(here.options({ CXX: "no-such-c++ -m64" }));
    expect(message).toContain("CXX names (no-such-c++ -m64) does not run");
  });

  test("no npm", async () => {
    here.without("npm");
    const { message, help } = await failure(here.options());
    expect(message).toContain("cannot run npm");
    expect(help).toContain("PATH");
  });

  test.each([
    ["pip is offline", { FAKE_PYTHON3: "offline" }, "pip could not fetch tensorflow-cpu 2.21.0", "index-url"],
    ["the index has no such wheel", { FAKE_PYTHON3: "refused" }, "No matching distribution", "20.3"],
    ["npm is offline", { FAKE_NPM: "offline" }, "npm could not fetch its part (ENOTFOUND)", "registry"],
    ["pip fills the disk", { FAKE_PYTHON3: "full" }, "the disk is full at", "DMLC_CACHE"],
    ["npm fills the disk", { FAKE_NPM: "full" }, "the disk is full at", "DMLC_CACHE"],
    ["the build fails", { FAKE_CXX: "fails" }, "fatal error: cstdint", "C++17"],
  ])("%s", async (_, mode, said, help) => {
    const error = await failure(here.options(mode as Record<string, string>));
    expect(error.message).toContain(said);
    expect(error.help).toContain(help);
    expect(error.help).toContain("Nothing was installed");
  });

  test("a disk that is too small, before anything is fetched", async () => {
    const said: string[] = [];
    const reporter = { phase: () => {}, work: () => {}, message: (text: string) => void said.push(text) };
    const { message, help } = await failure(here.options({}, { free: () => 1_000_000, reporter }));
    expect(message).toContain("the disk has 0.0 GB free");
    expect(help).toContain("DMLC_CACHE");
    expect(said[0]).toMatch(/^fetches .* GB, takes .* GB of disk/);
    expect(here.asked().filter((line) => line.includes("download"))).toEqual([]);
  });

  test("another wheel than the pinned one", async () => {
    here.spoil("wheels");
    const { message, help } = await failure(here.options());
    expect(message).toContain("is not the pinned wheel: its sha256 is");
    expect(help).toContain("Nothing was installed");
  });

  test("another wheel than the pinned one, brought by other means", async () => {
    here.spoil("wheels");
    const { message } = await failure(here.options({}, { wheels: [here.wheelFile] }));
    expect(message).toContain("is not the pinned wheel");
  });

  test("a wheel that is no part of it", async () => {
    const { message, help } = await failure(here.options({}, { wheels: ["/somewhere/numpy.whl"] }));
    expect(message).toContain("numpy.whl is not a part of this engine");
    expect(help).toContain(here.pins.wheels[0]!.file);
  });

  test("another npm package than the pinned one", async () => {
    here.spoil("npm");
    const { message } = await failure(here.options());
    expect(message).toContain("@tensorflow/tfjs-node-gpu@1.0.0");
    expect(message).toContain("integrity differs");
  });

  test("an engine that does not pass its test", async () => {
    const check = (): Promise<typeof works> =>
      Promise.resolve({ ...works, problems: ["a matrix product gave 1 instead of 2"] });
    const { message } = await failure(here.options({}, { check }));
    expect(message).toContain("does not work: a matrix product gave 1 instead of 2");
  });

  test("interrupted while pip fetches: pip is ended, and its part removed", async () => {
    const controller = new AbortController();
    const running = failure(here.options({ FAKE_PYTHON3: "hang" }, { signal: controller.signal }));
    while (!here.installed().some((path) => path.endsWith("part")))
      await new Promise((resolve) => setTimeout(resolve, 20));
    controller.abort();
    expect(await running).toBeInstanceOf(RunInterrupted);
  });
});

test("a cache that cannot be written", async () => {
  writeFileSync(here.cache, "a file in its place");
  const { message, help } = await failure(here.options());
  expect(message).toContain("cannot write the cache");
  expect(help).toContain("DMLC_CACHE");
});
