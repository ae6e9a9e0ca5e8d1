/**
 * The ensemble of examples/icons.dml against single losses of the same total dimension (bench/icons/*.dml), over several
 * seeds, each arm through the built command line. Writes bench/results/icons.json after every run; what was measured
 * with the same spec, seed and steps is not measured again. On the embedded engine. Run after `npm run build`:
 *
 *   node bench/compare_icons.mjs [--seeds 3] [--steps N] [--arms ensemble,triplet] [--out FILE]
 *
 * `npm run report:icons` makes the README's table of it.
 */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { specHash } from "../dist/src/cli/compilation.js";
import { nodeHost } from "../dist/src/cli/host.js";
import { checkFile } from "../dist/src/compile.js";
import { machine } from "./machine.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
/** The ensemble's own seed comes first, so that the first command of the README gives one of the measured runs. */
const FIRST_SEED = 7;

const { values: options } = parseArgs({
  options: {
    seeds: { type: "string", default: "3" },
    steps: { type: "string" },
    arms: { type: "string" },
    out: { type: "string", default: join(root, "bench", "results", "icons.json") },
  },
});
const seeds = Array.from({ length: Number(options.seeds) }, (_, k) => FIRST_SEED + k);

/** The arms: name, spec, hash, total dimension. */
const specs = [
  ["ensemble", join("examples", "icons.dml")],
  ...readdirSync(join(root, "bench", "icons"))
    .filter((file) => file.endsWith(".dml"))
    .sort()
    .map((file) => [file.replace(/\.dml$/, ""), join("bench", "icons", file)]),
];
const wanted = options.arms?.split(",") ?? specs.map(([name]) => name);
const unknown = wanted.filter((name) => !specs.some(([known]) => known === name));
if (unknown.length > 0 || seeds.length === 0) {
  console.error(`no arm ${unknown.join(", ")}: there are ${specs.map(([name]) => name).join(", ")}`);
  process.exit(2);
}

const here = machine();
const report = existsSync(options.out)
  ? JSON.parse(readFileSync(options.out, "utf8"))
  : { machine: here, date: "", arms: [] };
if (["cpu", "cores", "node"].some((what) => report.machine[what] !== here[what])) {
  console.error(`${options.out} was measured on another machine; remove it or choose another --out`);
  process.exit(2);
}

for (const seed of seeds) for (const name of wanted) measure(armOf(name), seed);

/** The arm's entry in the report; a new one if its spec has changed. */
function armOf(name) {
  const file = specs.find(([known]) => known === name)[1];
  const path = join(root, file);
  const { module, models } = checkFile(nodeHost(path), path);
  const [model] = models;
  if (model === undefined) throw new Error(`${file} has errors: npx dmlc check ${file}`);
  const fresh = {
    name,
    file: file.replaceAll("\\", "/"),
    spec_hash: specHash(module),
    total_dimension: model.heads.reduce((sum, head) => sum + head.dim, 0),
    losses: model.losses.map((loss) => loss.text),
    runs: [],
  };
  const place = report.arms.findIndex((arm) => arm.name === name);
  if (place >= 0 && report.arms[place].spec_hash === fresh.spec_hash) return report.arms[place];
  if (place >= 0) report.arms[place] = fresh;
  else report.arms.push(fresh);
  return fresh;
}

function measure(arm, seed) {
  const asked = options.steps === undefined ? null : Number(options.steps);
  if (arm.runs.some((run) => run.seed === seed && run.steps_asked === asked)) {
    console.error(`${arm.name}, seed ${seed}: measured before`);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "dmlc-bench-"));
  try {
    console.error(`${arm.name}, seed ${seed}`);
    const flags = ["--engine", "wasm", "--seed", String(seed), "--out", folder, "--format", "json"];
    if (asked !== null) flags.push("--steps", String(asked));
    const { status, stdout } = spawnSync(
      process.execPath,
      [join(root, "bin", "dmlc.js"), "run", join(root, arm.file), ...flags],
      { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 2 ** 26 },
    );
    if (status !== 0) throw new Error(`${arm.name}, seed ${seed}: ended with ${status}`);
    const { steps, data, test, compression, weights, timing } = JSON.parse(stdout);
    arm.runs = arm.runs.filter((run) => run.seed !== seed);
    arm.runs.push({ seed, steps_asked: asked, steps, data, test, compression, weights, timing });
    arm.runs.sort((a, b) => a.seed - b.seed);
    save();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function save() {
  report.date = new Date().toISOString().slice(0, 10);
  writeFileSync(`${options.out}.new`, `${JSON.stringify(report, null, 2)}\n`);
  renameSync(`${options.out}.new`, options.out);
}
