/**
 * What `precision: bfloat16` gains or costs: the same net and batch with and without, one after the other in each round,
 * each captured by the native engine. Milliseconds of a training step, the first quartile of the timed ones; the ratio is
 * float32 over bfloat16 within a round, and the median of the rounds counts. Writes bench/results/bfloat16.json. Run after
 * `npm run build`:
 *
 *   node bench/bfloat16.mjs [--engine tensorflow] [--rounds 3] [--seconds 4] [--cases one,resnet]
 *
 * With `--cases` the file keeps what it says of the others.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CASES } from "./versus/cases.mjs";
import { machine } from "./machine.mjs";

const { values: options } = parseArgs({
  options: {
    engine: { type: "string", default: "tensorflow" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "4" },
    cases: { type: "string", default: "one,resnet" },
  },
});

const NETS = {
  one: CASES.one,
  resnet: { ...CASES.resnet18, batch: { classes: 8, samples: 4 } },
};
const script = fileURLToPath(new URL("versus/ours.mjs", import.meta.url));

function measure(wanted) {
  const args = [script, JSON.stringify(wanted), options.engine, options.seconds];
  const { status, stdout, stderr } = spawnSync("node", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr.slice(-2000));
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const round = (value) => Number(value.toFixed(2));

const measured = options.cases.split(",").map((name) => {
  const rounds = Array.from({ length: Number(options.rounds) }, () => ({
    float32: measure(NETS[name]),
    bfloat16: measure({ ...NETS[name], precision: "bfloat16" }),
  }));
  const ratios = rounds.map(({ float32, bfloat16 }) => round(float32.ms / bfloat16.ms));
  const [{ float32, bfloat16 }] = rounds;
  const result = {
    case: name,
    batch: NETS[name].batch,
    float32_ms: round(median(rounds.map((each) => each.float32.ms))),
    bfloat16_ms: round(median(rounds.map((each) => each.bfloat16.ms))),
    ratio: median(ratios),
    ratios,
    first_values: [float32.first, bfloat16.first],
    engine: bfloat16.engine,
    notes: bfloat16.notes,
  };
  console.log(result);
  return result;
});

const path = fileURLToPath(new URL("results/bfloat16.json", import.meta.url));
const before = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).results : [];
const results = Object.keys(NETS).flatMap((name) =>
  [measured, before].flatMap((list) => list.filter((each) => each.case === name)).slice(0, 1),
);

const flags = /^flags\s*:\s*(.*)$/m.exec(readCpu())?.[1]?.split(" ") ?? [];
function readCpu() {
  try {
    return readFileSync("/proc/cpuinfo", "utf8");
  } catch {
    return "";
  }
}
const record = {
  machine: machine(),
  // Instructions for bfloat16; without them the library computes in float32 and rounds.
  instructions: flags.filter((flag) => /bf16/.test(flag)),
  date: new Date().toISOString().slice(0, 10),
  load_average: round(loadavg()[0]),
  results,
};
writeFileSync(path, `${JSON.stringify(record, null, 2)}\n`);
