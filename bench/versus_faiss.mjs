/**
 * Evaluation against faiss-cpu's exact search on the same machine with the same threads: Recall@K and MAP@R of 60,000
 * embeddings of 128 in 11,316 classes, the size of Stanford Online Products' test half. Both sides run in turn, each in
 * a process of its own; the ratio is that of one round. Writes bench/results/versus_faiss.json.
 *
 *   node bench/versus_faiss.mjs [--python .cache/pytorch/bin/python] [--engine tensorflow] [--rounds 3] [--n 60000]
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { counterRandom } from "../dist/src/runtime/random.js";
import { machine } from "./machine.mjs";

const { values: options } = parseArgs({
  options: {
    python: { type: "string", default: ".cache/pytorch/bin/python" },
    engine: { type: "string", default: "tensorflow" },
    rounds: { type: "string", default: "3" },
    n: { type: "string", default: "60000" },
  },
});
const n = Number(options.n);
const dim = 128;
const classes = Math.round((n * 11_316) / 60_000);

/** Unit vectors around class centres, so that neighbours are neither all right nor all wrong. */
function embeddings() {
  const random = counterRandom(1, "bench/faiss");
  const centres = Float32Array.from({ length: classes * dim }, () => random.normal());
  const labels = Int32Array.from({ length: n }, (_, i) => i % classes);
  const values = new Float32Array(n * dim);
  for (let i = 0; i < n; i++) {
    let squares = 0;
    for (let t = 0; t < dim; t++) {
      const value = centres[labels[i] * dim + t] + 1.6 * random.normal();
      values[i * dim + t] = value;
      squares += value * value;
    }
    const scale = 1 / Math.sqrt(squares);
    for (let t = 0; t < dim; t++) values[i * dim + t] *= scale;
  }
  return { values, labels };
}

function measure(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} failed:\n${stderr.slice(-2000)}`);
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
/** The lower of the two in the middle, where there are two. */
const median = (list) => [...list].sort((a, b) => a - b)[(list.length - 1) >> 1];
const round = (value) => Math.round(value * 100) / 100;
const folder = mkdtempSync(join(tmpdir(), "dmlc-bench-"));
try {
  const { values, labels } = embeddings();
  const files = [join(folder, "embeddings.f32"), join(folder, "labels.i32")];
  writeFileSync(files[0], values);
  writeFileSync(files[1], labels);
  const depth = Math.max(8, Math.ceil(n / classes) - 1);
  const rounds = Array.from({ length: Number(options.rounds) }, () => {
    const ours = measure("node", [here("versus/our_search.mjs"), ...files, `${n}`, `${dim}`, options.engine]);
    const sizes = [`${n}`, `${dim}`, `${depth}`, `${cpus().length}`];
    const theirs = measure(options.python, [here("versus/exact_search.py"), ...files, ...sizes]);
    const ratio = theirs.seconds / ours.seconds;
    console.log(
      `ours ${ours.seconds.toFixed(1)} s (Recall@1 ${ours.recall_at_1.toFixed(4)}, MAP@R ${ours.map_at_r.toFixed(4)}), ` +
        `faiss ${theirs.seconds.toFixed(1)} s (${theirs.recall_at_1.toFixed(4)}, ${theirs.map_at_r.toFixed(4)}), ` +
        `ratio ${round(ratio)}`,
    );
    return { ours, theirs, ratio };
  });
  const report = {
    machine: machine(),
    date: new Date().toISOString().slice(0, 10),
    embeddings: { n, dim, classes },
    ours_seconds: round(median(rounds.map(({ ours }) => ours.seconds))),
    faiss_seconds: round(median(rounds.map(({ theirs }) => theirs.seconds))),
    ratio: round(median(rounds.map(({ ratio }) => ratio))),
    ratios: rounds.map(({ ratio }) => round(ratio)),
    ours_peak_mb: Math.max(...rounds.map(({ ours }) => ours.peak_mb)),
    faiss_peak_mb: Math.max(...rounds.map(({ theirs }) => theirs.peak_mb)),
    recall_at_1: { ours: rounds[0].ours.recall_at_1, faiss: rounds[0].theirs.recall_at_1 },
    map_at_r: { ours: rounds[0].ours.map_at_r, faiss: rounds[0].theirs.map_at_r },
    engine: rounds[0].ours.engine,
    faiss: `faiss-cpu ${rounds[0].theirs.faiss}, IndexFlatL2, ${cpus().length} threads`,
    load_average: round(loadavg()[0]),
  };
  mkdirSync(here("results/"), { recursive: true });
  writeFileSync(here("results/versus_faiss.json"), `${JSON.stringify(report, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
