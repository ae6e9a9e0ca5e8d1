/**
 * Runs the self-test of an installed engine and says what came of it. Called by the installation, by `dmlc backend
 * check` and by `dmlc info`; starts one process.
 */
import { existsSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { ownPackage } from "../package.ts";
import { runTool } from "./process.ts";
import type { ToolOptions, ToolResult } from "./process.ts";
import type { SelfTestReport } from "./self_test.ts";
import type { WebgpuReport } from "./self_test_webgpu.ts";

/** What a self-test found; `problems` is empty if the engine works. */
export interface BackendCheck {
  readonly tensorflow?: string;
  readonly tfjs?: string;
  readonly device?: "GPU" | "CPU";
  readonly problems: readonly string[];
  /** Why a CUDA build uses no GPU, as TensorFlow says it. */
  readonly notes: readonly string[];
}

/** Tests the engine in a folder. `cuda`: whether a GPU is expected. Throws only RunInterrupted. */
export async function checkBackend(
  directory: string,
  cuda: boolean,
  options: ToolOptions,
): Promise<BackendCheck> {
  const environment = { ...options.environment, ...(cuda ? { TF_CPP_MIN_LOG_LEVEL: "0" } : {}) };
  const { report, problem, errors } = await selfTest<SelfTestReport>("self_test.js", [directory], {
    ...options,
    environment,
  });
  if (report === undefined) return { problems: [problem], notes: [] };
  const { wrong, driver, ...found } = report;
  const without = driver ? [] : ["the NVIDIA driver's library, libcuda.so.1, is not on this system"];
  const notes = cuda && found.device === "CPU" ? ["no GPU is used", ...without, ...gpuLines(errors)] : [];
  return { ...found, problems: wrong, notes };
}

/** What the webgpu engine's self-test found; `problems` is empty if the engine works. */
export interface WebgpuCheck {
  /** The engine in one line, with its versions and the GPU; absent where it did not start. */
  readonly description?: string;
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

/** Tests the webgpu engine. Throws only RunInterrupted. */
export async function checkWebgpu(options: ToolOptions): Promise<WebgpuCheck> {
  const { report, problem } = await selfTest<WebgpuReport>("self_test_webgpu.js", [], options);
  if (report === undefined) return { problems: [problem], notes: [] };
  const { description, software, wrong } = report;
  const notes = software
    ? ["the driver computes on the CPU: it serves for tests, and `auto` does not take it"]
    : [];
  return { ...(description === undefined ? {} : { description }), problems: wrong, notes };
}

type SelfTest<Report> =
  | { readonly report: Report; readonly problem?: never; readonly errors: string }
  | { readonly report?: never; readonly problem: string; readonly errors: string };

/** What a self-test printed, or why it printed nothing. */
async function selfTest<Report>(
  name: string,
  args: readonly string[],
  options: ToolOptions,
): Promise<SelfTest<Report>> {
  const script = join(ownPackage().root, "dist/src/cli/backend", name);
  if (!existsSync(script)) return { problem: "dmlc is not built: run `npm run build`", errors: "" };
  const result = await runTool(process.execPath, [script, ...args], options);
  if (result === undefined) return { problem: `${process.execPath} cannot be run`, errors: "" };
  const report = reportOf<Report>(result);
  const { errors } = result;
  return report === undefined ? { problem: failure(result), errors } : { report, errors };
}

function reportOf<Report>({ code, out }: ToolResult): Report | undefined {
  if (code !== 0) return undefined;
  try {
    return JSON.parse(out) as Report;
  } catch {
    return undefined;
  }
}

function failure({ code, endedBy, errors }: ToolResult): string {
  if (endedBy === "SIGILL") {
    return "this processor lacks instructions that TensorFlow is built for (AVX)";
  }
  if (endedBy === "SIGKILL") {
    return `it was ended from outside, for memory most likely; this machine has ${(totalmem() / 2 ** 30).toFixed(1)} GiB`;
  }
  const lines = errors.split("\n").map((line) => line.trim());
  const said =
    lines.find((line) => /^\w*Error\b.*:/.test(line)) ??
    lines.findLast((line) => line !== "") ??
    "no message";
  return `it ended with ${endedBy ?? `exit code ${code ?? "?"}`}: ${said}`;
}

/** What TensorFlow logs of GPUs and their libraries, without its own marks. */
function gpuLines(errors: string): string[] {
  const lines = errors
    .split("\n")
    .filter((line) => /^[IWE]\d{4}|^\d{4}-/.test(line) && /cuda|cuInit|gpu|dlopen/i.test(line))
    .map((line) => line.replace(/^.*?\] /, "").trim());
  return [...new Set(lines)].slice(0, 4);
}
