/** `dmlc backend list|install|check|remove`: the engines beside the built-in one. */
import { Argument, Command, Option } from "commander";
import { existsSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { defaultCacheDirectory } from "../../runtime/places.ts";
import { processReporter } from "../../runtime/report/process_reporter.ts";
import { backendsDirectory, locateTensorflow } from "../../runtime/engine/tensorflow/locate.ts";
import type { BackendCheck } from "../backend/check_backend.ts";
import { engineRows } from "../backend/engines.ts";
import type { EngineRow } from "../backend/engines.ts";
import { CommandError, EXIT, Reported } from "../exit.ts";
import type { Terminal } from "../terminal.ts";

type Installable = "tensorflow" | "webgpu";
type Format = "text" | "json";

export function backendCommand(terminal: Terminal): Command {
  const format = (): Option =>
    new Option("--format <FORMAT>", "how to print").choices(["text", "json"]).default("text");
  const engine = (text: string): Argument =>
    new Argument(text, "which engine").choices(["tensorflow", "webgpu"]);
  return new Command("backend")
    .description("install, test and remove the engines beside the built-in one")
    .addCommand(
      new Command("list")
        .description("which engines are there, and why not")
        .addOption(format())
        .action((options: { format: Format }) => list(options.format, terminal)),
    )
    .addCommand(
      new Command("install")
        .description("fetch, build and test an engine, into a per-user cache")
        .addArgument(engine("<ENGINE>"))
        .option("--cuda", "tensorflow for NVIDIA GPUs, with CUDA's libraries", false)
        .option(
          "--wheel <FILE>",
          "a wheel brought by other means; repeat for several",
          (file: string, files: string[]) => [...files, file],
          [] as string[],
        )
        .action((name: Installable, options: { cuda: boolean; wheel: string[] }) =>
          install(name, options, terminal),
        ),
    )
    .addCommand(
      new Command("check")
        .description("test the installed tensorflow engine; print its device and versions")
        .addOption(format())
        .action((options: { format: Format }) => check(options.format, terminal)),
    )
    .addCommand(
      new Command("remove")
        .description("delete what install has put into the cache")
        .addArgument(engine("[ENGINE]"))
        .action((name: Installable | undefined) => remove(name, terminal)),
    );
}

function list(format: Format, terminal: Terminal): void {
  const rows = engineRows();
  terminal.out(format === "json" ? `${JSON.stringify(rows, undefined, 2)}\n` : rows.map(rowText).join(""));
}

function rowText({ engine, available, versions, directory, cuda, reason, help }: EngineRow): string {
  const parts = available
    ? [
        Object.entries(versions)
          .map(([name, version]) => `${name} ${version}`)
          .join(", "),
        ...(cuda === true ? ["CUDA"] : []),
        ...(directory === undefined ? [] : [directory]),
      ]
    : [reason ?? "not there", ...(help === undefined ? [] : [help])];
  return `${engine.padEnd(12)}${(available ? "yes" : "no").padEnd(5)}${parts.join("; ")}\n`;
}

async function install(
  name: Installable,
  { cuda, wheel }: { cuda: boolean; wheel: readonly string[] },
  terminal: Terminal,
): Promise<void> {
  if (name === "webgpu" && (cuda || wheel.length > 0)) {
    throw new CommandError(
      EXIT.usage,
      "--cuda and --wheel are for the tensorflow engine",
      "webgpu uses the GPU's driver.",
    );
  }
  const reporter = processReporter();
  const cacheDirectory = defaultCacheDirectory();
  try {
    await untilEnded(async (signal) => {
      const common = { cacheDirectory, environment: process.env, signal, reporter };
      if (name === "webgpu") {
        const { installWebgpu } = await import("../backend/install_webgpu.ts");
        const { directory, already } = await installWebgpu(common);
        reporter.close();
        terminal.out(`webgpu: ${already ? "is installed already" : "installed"} in ${directory}\n`);
        return;
      }
      const { installTensorflow } = await import("../backend/install_tensorflow.ts");
      const {
        directory,
        already,
        check: found,
      } = await installTensorflow({ ...common, cuda, wheels: wheel });
      reporter.close();
      terminal.out(`tensorflow: ${already ? "is installed already" : "installed"} in ${directory}\n`);
      if (found !== undefined) terminal.out(checkText(found));
    });
  } finally {
    reporter.close();
  }
}

async function check(format: Format, terminal: Terminal): Promise<void> {
  const { backend, reason } = locateTensorflow();
  if (backend === undefined) {
    if (format === "json") {
      terminal.out(`${JSON.stringify({ engine: "tensorflow", ok: false, problems: [reason], notes: [] })}\n`);
      throw new Reported(EXIT.run);
    }
    throw new CommandError(
      EXIT.run,
      `the tensorflow engine is not there: ${reason}`,
      "`dmlc backend install tensorflow` installs it.",
    );
  }
  const { checkBackend } = await import("../backend/check_backend.ts");
  const { directory, manifest } = backend;
  const found = await untilEnded((signal) =>
    checkBackend(directory, manifest.cuda, { environment: process.env, signal }),
  );
  const ok = found.problems.length === 0;
  if (format === "json") {
    const value = { engine: "tensorflow", ok, directory, cuda: manifest.cuda, ...found };
    terminal.out(`${JSON.stringify(value, undefined, 2)}\n`);
    if (!ok) throw new Reported(EXIT.run);
    return;
  }
  if (!ok) {
    throw new CommandError(
      EXIT.run,
      `the tensorflow engine in ${directory} does not work: ${found.problems.join("; ")}`,
      "`dmlc backend remove tensorflow` and `dmlc backend install tensorflow` make it anew.",
    );
  }
  terminal.out(`tensorflow: works, in ${directory}\n${checkText(found)}`);
}

function checkText({ tensorflow, tfjs, device, notes }: BackendCheck): string {
  return `TensorFlow ${tensorflow ?? "?"}, tfjs ${tfjs ?? "?"}, device: ${device ?? "?"}\n${notes
    .map((note) => `  ${note}\n`)
    .join("")}`;
}

async function remove(name: Installable | undefined, terminal: Terminal): Promise<void> {
  const cache = defaultCacheDirectory();
  const { webgpuDirectory } = await import("../backend/install_webgpu.ts");
  const folders = { tensorflow: backendsDirectory(cache), webgpu: dirname(webgpuDirectory(cache)) };
  for (const engine of name === undefined ? (["tensorflow", "webgpu"] as const) : [name]) {
    const folder = folders[engine];
    const there = existsSync(folder);
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch (error) {
      throw new CommandError(EXIT.run, `cannot remove ${folder}: ${(error as Error).message}`);
    }
    terminal.out(`${engine}: ${there ? `removed ${folder}` : "nothing to remove"}\n`);
  }
  const given = process.env["DMLC_BACKEND_DIR"];
  if (given) terminal.err(`DMLC_BACKEND_DIR names ${given}, which stays.\n`);
}

const ENDINGS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Runs `work` with a signal that ending the process aborts, so that it can clean up; a second time ends as usual. */
async function untilEnded<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const end = (): void => controller.abort();
  for (const name of ENDINGS) process.once(name, end);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of ENDINGS) process.removeListener(name, end);
  }
}
