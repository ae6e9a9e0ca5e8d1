/**
 * Whether memory stays flat over a long training run: the model of memory_flat.dml, with batch normalisation, a mined loss,
 * one with proxies and one against a memory, on generated images, trained by the emitted program as `dmlc run` does, its step
 * captured where the engine can. After steps 100, 1,000, 5,000 and the last, each after garbage collections there and at
 * the two steps before (what JavaScript held of the driver's is freed in the turns that follow one): the
 * resident set, JavaScript's heap and what it holds outside, the tensors that tfjs has and their bytes, and what the
 * engine itself holds (the handles of tfjs-node's binding; the bytes of wasm's memory). Each engine is a process of its
 * own; one that is not there is skipped, with the reason. Prints, and writes bench/results/memory_flat.json. Run after
 * `npm run build`:
 *
 *   node bench/memory_flat.mjs [--steps 10000] [--only ENGINE]
 *
 * With `--only` the file keeps what it says of the others.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startEngine } from "../dist/src/runtime/engine/index.js";
import { counterRandom } from "../dist/src/runtime/random.js";
import { runProgram } from "../dist/src/runtime/run.js";
import { engineMemory } from "./engine_memory.mjs";
import { programOf } from "./load_program.mjs";
import { machine } from "./machine.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values: options } = parseArgs({
  options: {
    steps: { type: "string", default: "10000" },
    only: { type: "string" },
    engine: { type: "string" },
  },
});
const STEPS = Number(options.steps);
const READ_AT = new Set([100, 1000, 5000, STEPS]);
const MB = 2 ** 20;
const ENGINES = ["tensorflow", "webgpu", "wasm"];

/** Sixteen classes of six images: a grey level of each class, with noise. */
const generated = {
  description: "generated images",
  async load() {
    const [classes, samples, size] = [16, 6, 12 * 12];
    const random = counterRandom(1, "bench");
    const labels = Int32Array.from({ length: classes * samples }, (_, k) => Math.floor(k / samples));
    const pixels = Uint8Array.from(
      { length: labels.length * size },
      (_, k) => 12 * labels[Math.floor(k / size)] + 60 * random.uniform(),
    );
    const names = Array.from({ length: classes }, (_, k) => `class ${k}`);
    return {
      name: "generated",
      image: [12, 12, 1],
      classNames: names,
      classClusters: Int32Array.from(names, (_, k) => k),
      labels,
      sampleNames: Array.from(labels, (label, k) => `${label}/${k}`),
      pixels,
      notes: [],
    };
  },
};

/** What the process holds now. */
function held() {
  globalThis.gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  const { wasm_bytes: wasm, ...engine } = engineMemory();
  return {
    resident_mb: Number((rss / MB).toFixed(1)),
    javascript_mb: Number((heapUsed / MB).toFixed(1)),
    outside_mb: Number((external / MB).toFixed(1)),
    ...engine,
    ...(wasm === undefined ? {} : { wasm_mb: Number((wasm / MB).toFixed(1)) }),
  };
}

/** What the run's log says of capturing the step. */
function aboutStep(out) {
  const entries = readFileSync(join(out, "log.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const notes = entries.flatMap(({ note }) => (note?.startsWith("training step: ") ? [note] : []));
  return notes.length === 0 ? "operation by operation" : notes.join("; ").replaceAll("training step: ", "");
}

async function measure(name) {
  const folder = mkdtempSync(join(tmpdir(), "dmlc-bench-"));
  try {
    const engine = await startEngine(name);
    const readings = [];
    const reporter = {
      phase() {},
      work() {},
      message() {},
      close() {},
      step({ step }) {
        if (READ_AT.has(step + 1) || READ_AT.has(step + 2)) globalThis.gc();
        if (READ_AT.has(step)) readings.push({ step, ...held() });
      },
    };
    const spec = readFileSync(join(root, "bench", "memory_flat.dml"), "utf8");
    const program = { ...(await programOf(spec, { path: "bench/memory_flat.dml" })), data: generated };
    const places = { out: join(folder, "out"), specDirectory: folder, projectRoot: folder };
    await runProgram(program, { engine: name, steps: STEPS, ...places, allowOutside: false, reporter });
    return { engine: name, description: engine.description, step: aboutStep(places.out), readings };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (options.engine !== undefined) {
  console.log(JSON.stringify(await measure(options.engine)));
  process.exit(0);
}

const path = join(root, "bench/results/memory_flat.json");
const before = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).results : [];

const results = ENGINES.flatMap((name) => {
  if (options.only !== undefined && options.only !== name) {
    return before.filter(({ engine }) => engine === name);
  }
  const command = ["--expose-gc", fileURLToPath(import.meta.url), "--engine", name, "--steps", String(STEPS)];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: "utf8" });
  if (status !== 0) {
    const reason = /EngineError: (.*)/.exec(stderr)?.[1];
    if (reason === undefined) throw new Error(`${name}: ${stderr}`);
    console.log(`${name} is skipped: ${reason}`);
    return [{ engine: name, skipped: reason }];
  }
  const result = JSON.parse(stdout.trim().split("\n").at(-1));
  console.log(`${name}: ${result.description}; the step ${result.step}`);
  console.table(result.readings);
  return [result];
});

const record = {
  machine: machine(),
  date: new Date().toISOString().slice(0, 10),
  results,
};
writeFileSync(path, `${JSON.stringify(record, null, 2)}\n`);
