/** `dmlc backend list|install|check|remove`: the engines beside the built-in one. */
import { Argument, Command, Option } from "commander";
import { existsSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { defaultCacheDirectory } from "../../runtime/places.ts";
import { processReporter } from "../../runtime/report/process_reporter.ts";
import { backendsDirectory, locateTensorflow } from "../../runtime/engine/tensorflow/locate.ts";
import { locateWebgpu } from "../../runtime/engine/webgpu/locate.ts";
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
        .description("test an engine, without a name the installed ones; print its device and versions")
        .addArgument(engine("[ENGINE]"))
        .addOption(format())
        .action((name: Installable | undefined, options: { format: Format }) =>
          check(name, options.format, terminal),
        ),
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

/** What a check found of one engine, as JSON prints it; what `text` and `help` say beside it. */
interface Checked {
  readonly json: { readonly engine: Installable; readonly ok: boolean } & Readonly<Record<string, unknown>>;
  /** The engine works: what is there. It does not: why. */
  readonly text: string;
  readonly help: string;
}

async function check(name: Installable | undefined, format: Format, terminal: Terminal): Promise<void> {
  const checks = { tensorflow: checkedTensorflow, webgpu: checkedWebgpu };
  const there = engineRows().flatMap(({ engine, available }) =>
    engine !== "wasm" && available ? [engine] : [],
  );
  // Without any, the message of the first says how to get it.
  const asked = name === undefined ? (there.length > 0 ? there : ["tensorflow" as const]) : [name];
  const found: Checked[] = [];
  for (const each of asked) found.push(await checks[each]());
  const failed = found.filter(({ json }) => !json.ok);
  if (format === "json") {
    const values = found.map(({ json }) => json);
    terminal.out(`${JSON.stringify(values.length === 1 ? values[0] : values, undefined, 2)}\n`);
    if (failed.length > 0) throw new Reported(EXIT.run);
    return;
  }
  for (const { json, text } of found) if (json.ok) terminal.out(text);
  if (failed.length > 0) {
    throw new CommandError(
      EXIT.run,
      failed.map(({ text }) => text).join("\n"),
      failed.map(({ help }) => help).join(" "),
    );
  }
}

async function checkedTensorflow(): Promise<Checked> {
  const engine = "tensorflow";
  const { backend, reason } = locateTensorflow();
  if (backend === undefined) {
    return {
      json: { engine, ok: false, problems: [reason], notes: [] },
      text: `the tensorflow engine is not there: ${reason}`,
      help: "`dmlc backend install tensorflow` installs it.",
    };
  }
  const { checkBackend } = await import("../backend/check_backend.ts");
  const { directory, manifest } = backend;
  const found = await untilEnded((signal) =>
    checkBackend(directory, manifest.cuda, { environment: process.env, signal }),
  );
  const ok = found.problems.length === 0;
  return {
    json: { engine, ok, directory, cuda: manifest.cuda, ...found },
    text: ok
      ? `tensorflow: works, in ${directory}\n${checkText(found)}`
      : `the tensorflow engine in ${directory} does not work: ${found.problems.join("; ")}`,
    help: "`dmlc backend remove tensorflow` and `dmlc backend install tensorflow` make it anew.",
  };
}

async function checkedWebgpu(): Promise<Checked> {
  const engine = "webgpu";
  const files = locateWebgpu();
  if (files === undefined) {
    const reason = "not installed";
    return {
      json: { engine, ok: false, problems: [reason], notes: [] },
      text: `the webgpu engine is not there: ${reason}`,
      help: "`dmlc backend install webgpu` installs it.",
    };
  }
  const { checkWebgpu } = await import("../backend/check_backend.ts");
  const found = await untilEnded((signal) => checkWebgpu({ environment: process.env, signal }));
  const ok = found.problems.length === 0;
  const { where, dawnVersion, backendVersion } = files;
  const notes = found.notes.map((note) => `  ${note}\n`).join("");
  return {
    json: { engine, ok, directory: where, dawn: dawnVersion, tfjs: backendVersion, ...found },
    text: ok
      ? `webgpu: works, in ${where}\n${found.description ?? ""}\n${notes}`
      : `the webgpu engine in ${where} does not work: ${found.problems.join("; ")}`,
    help: "It needs a GPU and its driver: docs/engines.md says which; `--engine wasm` runs without.",
  };
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
