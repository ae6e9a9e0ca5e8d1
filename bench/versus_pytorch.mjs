/**
 * Training steps against PyTorch + pytorch-metric-learning on the same machine: the same net, batch, losses, heads and
 * optimiser (`versus/cases.mjs`). Each round runs both sides one after the other, each in a process of its own with all
 * the cores; a ratio is that of one round, PyTorch's best form (eager, compiled; for images also channels-last) over
 * ours, and the median of the rounds is what counts. Writes bench/results/versus_pytorch.json.
 *
 *   python3 -m venv .cache/pytorch && .cache/pytorch/bin/pip install -r bench/versus/requirements.txt
 *   npm run build && npx dmlc backend install tensorflow
 *   node bench/versus_pytorch.mjs [--python .cache/pytorch/bin/python] [--engine tensorflow] [--rounds 3]
 *                                 [--seconds 6] [--cases one,six] [--forms eager]
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, existsSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CASES } from "./versus/cases.mjs";
import { machine } from "./machine.mjs";

const { values: options } = parseArgs({
  options: {
    python: { type: "string", default: ".cache/pytorch/bin/python" },
    engine: { type: "string", default: "tensorflow" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "6" },
    forms: { type: "string" },
    cases: { type: "string", default: Object.keys(CASES).join() },
  },
});

const here = (name) => fileURLToPath(new URL(`versus/${name}`, import.meta.url));

/** Runs one side once; its line of JSON. */
function measure(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${command} ${args[0]} failed:\n${stderr.slice(-2000)}`);
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

/** The lower of the two in the middle, where there are two. */
const median = (list) => [...list].sort((a, b) => a - b)[(list.length - 1) >> 1];
const round = (value, digits = 2) => Math.round(value * 10 ** digits) / 10 ** digits;

const today = new Date().toISOString().slice(0, 10);
const results = {};
for (const name of options.cases.split(",")) {
  const wanted = CASES[name];
  if (wanted === undefined) throw new Error(`no case ${name}: ${Object.keys(CASES).join(", ")}`);
  const json = JSON.stringify(wanted);
  const forms =
    options.forms?.split(",") ??
    (wanted.net === "none"
      ? ["eager"]
      : wanted.net === "resnet18"
        ? ["eager", "channels_last"]
        : ["eager", "compiled"]);
  const seconds = wanted.net === "resnet18" ? "20" : options.seconds;
  const rounds = [];
  for (let k = 0; k < Number(options.rounds); k++) {
    const ours = measure("node", [here("ours.mjs"), json, options.engine, seconds]);
    const theirs = forms.map((form) => measure(options.python, [here("theirs.py"), json, form, seconds]));
    const best = theirs.reduce((a, b) => (b.ms < a.ms ? b : a));
    rounds.push({ ours, theirs, ratio: best.ms / ours.ms });
    const said = theirs.map(({ ms }, f) => `${forms[f]} ${ms.toFixed(1)} ms`).join(", ");
    console.log(`${name}: ours ${ours.ms.toFixed(1)} ms, PyTorch ${said}: ratio ${round(best.ms / ours.ms)}`);
    if (ours.notes.some((note) => !note.endsWith(": captured"))) console.log(`  ${ours.notes.join("; ")}`);
  }
  const [first] = rounds;
  results[name] = {
    case: wanted,
    date: today,
    ours_ms: round(median(rounds.map(({ ours }) => ours.ms))),
    pytorch_ms: Object.fromEntries(
      forms.map((form, f) => [form, round(median(rounds.map(({ theirs }) => theirs[f].ms)))]),
    ),
    ratio: round(median(rounds.map(({ ratio }) => ratio))),
    ratios: rounds.map(({ ratio }) => round(ratio)),
    ours_peak_mb: Math.min(...rounds.map(({ ours }) => ours.peak_mb)),
    pytorch_peak_mb: Math.min(...rounds.flatMap(({ theirs }) => theirs.map(({ peak_mb }) => peak_mb))),
    ...(first.ours.gflops === undefined
      ? {}
      : {
          ours_gflops: round(median(rounds.map(({ ours }) => ours.gflops)), 1),
          product_gflops: round(median(rounds.map(({ ours }) => ours.product_gflops)), 1),
        }),
    engine: first.ours.engine,
    pytorch: first.theirs[0].engine.replace(/, \w+$/, ""),
    load_average: round(loadavg()[0]),
  };
}

const path = fileURLToPath(new URL("results/versus_pytorch.json", import.meta.url));
const before = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).results : {};
const all = { ...before, ...results };
if (all.one !== undefined) {
  for (const name of ["twelve", "twelve_shared"]) {
    if (all[name] !== undefined) all[name].ours_over_one_loss = round(all[name].ours_ms / all.one.ours_ms);
  }
}
// Cases that were measured before stay as they are, under their own dates.
const dates = [...new Set(Object.values(all).map(({ date }) => date))].sort();
const date = dates.length === 1 ? dates[0] : `${dates[0]} to ${dates.at(-1)}`;
const report = { machine: machine(), date, results: all };
mkdirSync(fileURLToPath(new URL("results/", import.meta.url)), { recursive: true });
writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
for (const [name, { ours_ms, pytorch_ms, ratio }] of Object.entries(all)) {
  console.log(`${name.padEnd(16)} ours ${ours_ms} ms, PyTorch ${JSON.stringify(pytorch_ms)}, ratio ${ratio}`);
}
