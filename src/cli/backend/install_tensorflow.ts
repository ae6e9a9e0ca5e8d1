/**
 * Installs the native engine into the per-user cache: everything that can be missing is looked for first, then parts
 * are fetched, verified and put together in a folder beside the final one, built, tested, and moved into place. Called
 * by `dmlc backend install`; writes below the cache only. Whatever ends it, nothing half installed stays.
 */
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import {
  backendDirectory,
  currentManifest,
  LAYOUT_PATHS,
  machineName,
  MANIFEST,
  readBackend,
  TFJS_VERSION,
} from "../../runtime/engine/tensorflow/locate.ts";
import { SHARED } from "../../runtime/engine/tensorflow/load.ts";
import { RunError } from "../../runtime/errors.ts";
import type { Reporter } from "../../runtime/report/progress.ts";
import { checkBackend } from "./check_backend.ts";
import type { BackendCheck } from "./check_backend.ts";
import { compileBinding, findCompiler, withoutCompiler } from "./compile.ts";
import { diskError, freeBytes, partialFolder, publish } from "./folders.ts";
import { fetchPackages, unpackPackage } from "./packages.ts";
import { fetchWheel, findPip, withoutPip } from "./pip.ts";
import type { Pip } from "./pip.ts";
import { neededBytes, pinsFor, supportedMachines } from "./pins.ts";
import type { Pins, WheelPin } from "./pins.ts";
import type { ToolOptions } from "./process.ts";
import { unpackWheel, verifyWheel } from "./wheel.ts";

export interface InstallOptions {
  readonly cuda: boolean;
  /** Wheels that the user has brought; the rest comes through pip. */
  readonly wheels: readonly string[];
  readonly cacheDirectory: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly reporter: Pick<Reporter, "phase" | "work" | "message">;
  /** In place of the pinned parts, of the self-test and of the disk: for tests. */
  readonly pins?: Pins;
  readonly check?: (directory: string, cuda: boolean, options: ToolOptions) => Promise<BackendCheck>;
  readonly free?: (folder: string) => number;
}

export interface Installation {
  readonly directory: string;
  /** It was there before; nothing was done. */
  readonly already: boolean;
  /** What the self-test found, where one was run. */
  readonly check: BackendCheck | undefined;
}

/**
 * Installs the engine for this machine, unless it is there.
 *
 * @throws RunError with what is missing and what to do about it; RunInterrupted once the signal is aborted.
 */
export async function installTensorflow(options: InstallOptions): Promise<Installation> {
  const { cuda, cacheDirectory, reporter } = options;
  const directory = backendDirectory(cuda, cacheDirectory);
  if (isGood(directory)) return { directory, already: true, check: undefined };
  const pins = options.pins ?? pinsFor(machineName(), cuda);
  if (pins === undefined) throw unsupported(cuda);
  refuseOldSystems();
  const given = givenWheels(options.wheels, pins);
  const compiler = await findCompiler(options);
  if (compiler === undefined) throw withoutCompiler(options.environment);
  const missing = pins.wheels.filter((wheel) => !given.has(wheel));
  const pip = missing.length > 0 ? await findPip(options) : undefined;
  if (missing.length > 0 && pip === undefined) throw withoutPip(missing);
  refuseFullDisk(pins, missing, directory, options);
  adviseOnGpu(options);

  const partial = partialFolder(directory);
  try {
    const tarballs = await fetchPackages([...pins.packages, pins.headers], partial, options);
    for (const { name, keep } of pins.packages) {
      const folder = join(partial, LAYOUT_PATHS.modules, name);
      unpackPackage(tarballs.get(name)!, (path) => keep.test(path), folder);
    }
    const build = join(partial, "build");
    unpackPackage(tarballs.get(pins.headers.name)!, (path) => pins.headers.keep.test(path), build);
    const files = await unpackWheels(pins, given, pip, partial, options);
    writeSharedCore(partial);

    reporter.phase("building the binding");
    const libraries = files.filter((path) => /^tensorflow\/lib[^/]+$/.test(path));
    const sources = join(partial, LAYOUT_PATHS.modules, "@tensorflow/tfjs-node-gpu/binding");
    const headers = [join(partial, "tensorflow/include"), join(build, "include")];
    await compileBinding(compiler, { root: partial, sources, headers, libraries }, options);
    for (const folder of [build, sources, headers[0]!]) rmSync(folder, { recursive: true, force: true });

    const kept = files.filter((path) => !path.startsWith("tensorflow/include/"));
    const manifest = currentManifest(cuda, [...kept, LAYOUT_PATHS.binding, LAYOUT_PATHS.quiet]);
    writeFileSync(join(partial, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`);
    reporter.phase("testing the engine");
    const check = await (options.check ?? checkBackend)(partial, cuda, options);
    if (check.problems.length > 0) throw failedTest(check);
    publish(partial, directory, isGood);
    return { directory, already: false, check };
  } catch (error) {
    throw diskError(directory, error);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

const isGood = (folder: string): boolean => readBackend(folder).backend !== undefined;

/** The wheels that the user has brought, by the pin whose file name they have. */
function givenWheels(paths: readonly string[], { wheels }: Pins): Map<WheelPin, string> {
  return new Map(
    paths.map((path) => {
      const wheel = wheels.find(({ file }) => file === basename(path));
      if (wheel === undefined) {
        throw new RunError(
          `${path} is not a part of this engine`,
          `Its parts are ${wheels.map(({ file }) => file).join(", ")}.`,
        );
      }
      if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
        throw new RunError(`there is no file ${path}`, "Name the wheels that you have brought in --wheel.");
      }
      return [wheel, path];
    }),
  );
}

/** Fetches, verifies and unpacks the wheels one after the other; answers the paths of what is kept. */
async function unpackWheels(
  { wheels }: Pins,
  given: ReadonlyMap<WheelPin, string>,
  pip: Pip | undefined,
  partial: string,
  { reporter, signal, ...options }: InstallOptions,
): Promise<string[]> {
  const files: string[] = [];
  for (const wheel of wheels) {
    const scratch = join(partial, "wheel");
    mkdirSync(scratch);
    const show = (what: string, total: number) => (bytes: number) =>
      reporter.work(`${what} ${wheel.project} (MB)`, Math.round(bytes / 1e6), Math.round(total / 1e6));
    const path =
      given.get(wheel) ??
      (await fetchWheel(pip!, wheel, scratch, { ...options, signal }, show("fetching", wheel.size)));
    await verifyWheel(path, wheel, signal);
    let unpacked = 0;
    const showUnpacked = show("unpacking", wheel.unpacked);
    const count = (bytes: number): void => showUnpacked(Math.min((unpacked += bytes), wheel.unpacked));
    files.push(...(await unpackWheel(path, wheel, partial, count, signal)));
    rmSync(scratch, { recursive: true });
  }
  return files;
}

/**
 * Puts the modules in place that hand on dmlc's own tfjs-core: tfjs-node asks for all of tfjs, and in one kernel for
 * tfjs-core itself, which nothing above a user's cache would answer.
 */
function writeSharedCore(partial: string): void {
  for (const name of ["@tensorflow/tfjs", "@tensorflow/tfjs-core"]) {
    const folder = join(partial, LAYOUT_PATHS.modules, name);
    mkdirSync(folder, { recursive: true });
    const json = { name, version: TFJS_VERSION, private: true, main: "index.js" };
    writeFileSync(join(folder, "package.json"), `${JSON.stringify(json)}\n`);
    writeFileSync(
      join(folder, "index.js"),
      "// Stands for all of tfjs: the tfjs-core of the dmlc that loads this engine.\n" +
        `module.exports = globalThis[Symbol.for(${JSON.stringify(SHARED)})];\n`,
    );
  }
}

/** The machines it cannot be installed on, with what to take instead. */
function unsupported(cuda: boolean): RunError {
  const { platform } = process;
  const instead =
    platform === "win32"
      ? "Use Linux under WSL, or the wasm or webgpu engine, which run here."
      : "Use the wasm or webgpu engine, which need nothing built.";
  const what = cuda ? "with CUDA, the tensorflow engine" : "the tensorflow engine";
  return new RunError(
    `${what} is for ${supportedMachines(cuda).join(", ")}, and this is ${machineName()}`,
    cuda && supportedMachines(false).includes(machineName())
      ? "Without --cuda it can be installed here."
      : instead,
  );
}

/** TensorFlow's Linux libraries are built against glibc 2.27. */
function refuseOldSystems(): void {
  if (process.platform !== "linux") return;
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  const version = header.glibcVersionRuntime;
  const [major = 0, minor = 0] = version?.split(".").map(Number) ?? [];
  if (version !== undefined && (major > 2 || minor >= 27)) return;
  throw new RunError(
    `the tensorflow engine needs glibc 2.27 or later, and this system has ${version ?? "another C library (musl)"}`,
    "Use a newer system or a container with one (Debian 10, Ubuntu 18.04 or later), or the wasm engine.",
  );
}

/** Says what the installation takes, and refuses a disk that has too little. */
function refuseFullDisk(
  pins: Pins,
  missing: readonly WheelPin[],
  directory: string,
  { reporter, free = freeBytes }: InstallOptions,
): void {
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const needed = neededBytes(pins);
  const [fetched, kept] = [
    sum(missing.map(({ size }) => size)),
    sum(pins.wheels.map(({ unpacked }) => unpacked)),
  ];
  reporter.message(
    `fetches ${gigabytes(fetched)}, takes ${gigabytes(kept)} of disk, ${gigabytes(needed)} while it is installed`,
  );
  const there = free(directory);
  if (there >= needed) return;
  throw new RunError(
    `the disk has ${gigabytes(there)} free at ${directory}, and ${gigabytes(needed)} are needed`,
    "Nothing was fetched. Free some space, or name a folder on another disk in the environment variable DMLC_CACHE.",
  );
}

/** Says so if the choice of `--cuda` does not fit the machine, before gigabytes are fetched. */
function adviseOnGpu({ cuda, reporter }: InstallOptions): void {
  const driver = DRIVERS.some((path) => existsSync(path));
  if (cuda && !driver) {
    reporter.message("there is no NVIDIA driver here: the engine computes on the CPU until there is one");
  } else if (!cuda && driver && supportedMachines(true).includes(machineName())) {
    reporter.message("this machine has an NVIDIA driver: with --cuda the engine uses its GPU");
  }
}

/** What an NVIDIA driver leaves on Linux, and under WSL. */
const DRIVERS = ["/proc/driver/nvidia/version", "/usr/lib/wsl/lib/libcuda.so.1"];

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

function failedTest({ problems }: BackendCheck): RunError {
  return new RunError(
    `the engine was built but does not work: ${problems.join("; ")}`,
    "Nothing was installed. Please report it, with the output of `dmlc info`; the wasm engine needs none of this.",
  );
}
