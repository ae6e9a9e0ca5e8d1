/**
 * How long the compiler takes. `dmlc check` of every file of the standard library, in one call of the command line from
 * a cold start. Compiling the largest example (the one with the longest program), to the program and its JavaScript, in
 * a process that has loaded the compiler's modules and done nothing else. Each run is a process of its own; wall and
 * processor time, medians. Prints the table and writes bench/results/compiler.json. Run after `npm run build`, on a
 * machine that does little else:
 *
 *   node bench/compiler.mjs [--runs 15]
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { machine } from "./machine.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values: options } = parseArgs({
  options: { runs: { type: "string", default: "15" }, compile: { type: "string" } },
});

/** @param {string} folder */
const specsIn = (folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".dml"))
    .sort()
    .map((path) => join(root, folder, path));

/** Milliseconds of processor time of this process since `before`. @param {NodeJS.CpuUsage} [before] */
function processorTime(before) {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** One compilation with modules loaded. @param {string} file */
async function compileOnce(file) {
  const { checkFile, emitModel } = await import("../dist/src/compile.js");
  const { eraseTypes } = await import("../dist/src/emit/typescript/erase.js");
  const { nodeHost } = await import("../dist/src/cli/host.js");
  await import("../dist/src/emit/typescript/program.js");
  const before = process.cpuUsage();
  const start = performance.now();
  const { models } = checkFile(nodeHost(file), file) ?? { models: [] };
  const identity = { specFile: file, specHash: "", compiler: "dmlc" };
  const emitted = models.length === 0 ? {} : await emitModel(models[0], identity);
  const text = "text" in emitted ? emitted.text : "";
  if (text !== "") eraseTypes(text);
  return {
    wall: performance.now() - start,
    cpu: processorTime(before),
    lines: text === "" ? 0 : text.split("\n").length,
  };
}

/** Runs node and answers the time it took, and what it printed. @param {string[]} args */
function node(args) {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  const wall = performance.now() - start;
  if (status !== 0) throw new Error(`node ${args.join(" ")} ended with ${status}: ${stderr}`);
  return { wall, stdout };
}

/** Said by a process about itself as it ends. */
const SAY_PROCESSOR_TIME =
  'process.on("exit",()=>{const u=process.cpuUsage();console.log(`cpu ${(u.user+u.system)/1000}`)})';

/** Wall and processor time of one cold call of the command line. @param {string[]} args */
function command(args) {
  const script = [join(root, "bin", "dmlc.js"), ...args];
  const { wall } = node(script);
  const { stdout } = node(["--import", `data:text/javascript,${SAY_PROCESSOR_TIME}`, ...script]);
  return { wall, cpu: Number(/^cpu (.*)$/m.exec(stdout)?.[1]) };
}

/** @param {number[]} list */
const median = (list) => Math.round([...list].sort((a, b) => a - b)[list.length >> 1] * 10) / 10;

/** @param {string} name @param {() => { wall: number, cpu: number }} run */
function measured(name, run) {
  const runs = Array.from({ length: Number(options.runs) }, run);
  const walls = runs.map(({ wall }) => wall);
  const result = {
    name,
    wall_ms: median(walls),
    fastest_wall_ms: Math.round(Math.min(...walls) * 10) / 10,
    cpu_ms: median(runs.map(({ cpu }) => cpu)),
  };
  console.log(
    `${name.padEnd(60)} ${String(result.wall_ms).padStart(7)} ms  (processor time ${result.cpu_ms} ms)`,
  );
  return result;
}

if (options.compile !== undefined) {
  console.log(JSON.stringify(await compileOnce(options.compile)));
} else {
  const script = fileURLToPath(import.meta.url);
  /** @param {string} file */
  const compile = (file) => JSON.parse(node([script, "--compile", file]).stdout);
  const library = specsIn("stdlib");
  const [largest] = specsIn("examples")
    .map((file) => ({ file, lines: compile(file).lines }))
    .sort((a, b) => b.lines - a.lines);
  const example = relative(root, largest.file);
  const scratch = mkdtempSync(join(tmpdir(), "dmlc-bench-"));
  const results = [
    measured("dmlc --version, for comparison", () => command(["--version"])),
    measured(`dmlc check of the standard library (${library.length} files)`, () =>
      command(["check", ...library]),
    ),
    measured(`dmlc check ${example}`, () => command(["check", largest.file])),
    measured(`${example} to a program of ${largest.lines} lines, modules loaded`, () =>
      compile(largest.file),
    ),
    measured(`dmlc compile ${example}`, () =>
      command(["compile", largest.file, "-o", join(scratch, "out.ts")]),
    ),
  ];
  rmSync(scratch, { recursive: true });
  const report = {
    machine: machine(),
    load_average: Math.round((loadavg()[0] ?? 0) * 10) / 10,
    date: new Date().toISOString().slice(0, 10),
    runs: Number(options.runs),
    results,
  };
  writeFileSync(join(root, "bench", "results", "compiler.json"), `${JSON.stringify(report, null, 2)}\n`);
}
