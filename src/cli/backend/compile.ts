/**
 * Builds the native binding with the machine's C++ compiler: tfjs-node's two source files, and a small library of our
 * own, against TensorFlow's C headers and Node-API's. Called by the installation; runs the compiler, which writes below
 * the folder it is given.
 *
 * Node-API is the same for all versions of Node, so the binding serves every Node and nothing of the one that built it
 * is needed: no headers beyond the packed ones, no node-gyp, make or Python.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RunError } from "../../runtime/errors.ts";
import { LAYOUT_PATHS } from "../../runtime/engine/tensorflow/locate.ts";
import { fullDisk } from "./folders.ts";
import { runTool } from "./process.ts";
import type { ToolOptions } from "./process.ts";

export type Compiler = readonly [string, ...string[]];

/** The version of Node-API that tfjs-node uses. */
const NAPI_VERSION = 8;

/**
 * Answers for abseil's `MinLogLevel`, which TensorFlow's libraries ask while they are loaded: on Linux, symbols of what
 * was loaded globally before come first. Without it, TensorFlow 2.21 logs before its own level is set.
 */
const QUIET_SOURCE = `#include <cstdlib>
#include <node_api.h>
#include "absl/log/globals.h"

namespace absl {
ABSL_NAMESPACE_BEGIN
absl::LogSeverityAtLeast MinLogLevel() {
  const char* level = std::getenv("TF_CPP_MIN_LOG_LEVEL");
  return static_cast<absl::LogSeverityAtLeast>(level == nullptr ? 0 : std::atoi(level));
}
ABSL_NAMESPACE_END
}  // namespace absl

NAPI_MODULE_INIT() { return exports; }
`;

/** The compiler that `CXX` names, else the first of the usual ones there is; `undefined` where there is none. */
export async function findCompiler(options: ToolOptions): Promise<Compiler | undefined> {
  const given = options.environment["CXX"]?.split(/\s+/).filter((word) => word !== "") ?? [];
  const candidates = given.length > 0 ? [given] : [["c++"], ["g++"], ["clang++"]];
  for (const [command = "", ...args] of candidates) {
    const result = await runTool(command, [...args, "--version"], options);
    if (result?.code === 0) return [command, ...args];
  }
  return undefined;
}

/** The error where there is no C++ compiler. */
export function withoutCompiler(environment: NodeJS.ProcessEnv): RunError {
  const given = environment["CXX"];
  return new RunError(
    given ? `the C++ compiler that CXX names (${given}) does not run` : "there is no C++ compiler",
    "The engine's binding is built on this machine. Install one (Debian, Ubuntu: apt-get install g++; Fedora: " +
      "dnf install gcc-c++; macOS: xcode-select --install) or name one in the environment variable CXX.",
  );
}

export interface BuildFolders {
  /** Where the installation is put together: the libraries are there, the results go there. */
  readonly root: string;
  /** tfjs-node's sources. */
  readonly sources: string;
  /** TensorFlow's C headers, and Node-API's. */
  readonly headers: readonly string[];
  /** TensorFlow's libraries, relative to `root`. */
  readonly libraries: readonly string[];
}

/**
 * Compiles the binding and the log-level library.
 *
 * @throws RunError with the compiler's first error where it fails; RunInterrupted.
 */
export async function compileBinding(
  compiler: Compiler,
  { root, sources, headers, libraries }: BuildFolders,
  options: ToolOptions,
): Promise<void> {
  mkdirSync(join(root, "lib"), { recursive: true });
  const quiet = join(sources, "quiet.cc");
  writeFileSync(quiet, QUIET_SOURCE);
  const flags = [
    "-std=c++17",
    "-O2",
    "-fPIC",
    `-DNAPI_VERSION=${NAPI_VERSION}`,
    ...headers.map((folder) => `-I${folder}`),
    ...(process.platform === "darwin"
      ? ["-bundle", "-undefined", "dynamic_lookup", "-Wl,-rpath,@loader_path/../tensorflow"]
      : ["-shared", "-pthread", "-Wl,--no-as-needed", "-Wl,-rpath,$ORIGIN/../tensorflow"]),
  ];
  const binding = ["tfjs_backend.cc", "tfjs_binding.cc"].map((name) => join(sources, name));
  const linked = libraries.map((library) => join(root, library));
  const [command, ...args] = compiler;
  for (const [output, inputs] of [
    [LAYOUT_PATHS.binding, [...binding, ...linked]],
    [LAYOUT_PATHS.quiet, [quiet]],
  ] as const) {
    const result = await runTool(command, [...args, ...flags, ...inputs, "-o", join(root, output)], options);
    if (result?.code !== 0) throw compileError(compiler, result?.errors ?? "", root);
  }
}

function compileError(compiler: Compiler, errors: string, root: string): RunError {
  if (/No space left on device/i.test(errors)) return fullDisk(root);
  const lines = errors.split("\n").filter((line) => line.trim() !== "");
  const said = lines.find((line) => /\berror\b|undefined reference/i.test(line)) ?? lines[0] ?? "no message";
  return new RunError(
    `${compiler.join(" ")} could not build the engine's binding: ${said}`,
    "Nothing was installed. It takes a compiler that knows C++17 (GCC 8, Clang 7 or later), with its standard library; " +
      "CXX names another one.",
  );
}
