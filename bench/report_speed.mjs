/**
 * What the speed benchmarks measured, as tables and plots: docs/benchmarks.md whole, its plots in docs/plots/, and the
 * README's table between `<!-- speed:begin -->` and `<!-- speed:end -->`. Reads bench/results/ and measures nothing; a
 * result that is not there is left out. Run by `npm run generate`.
 *
 *   node bench/report_speed.mjs
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { machineText } from "./machine.mjs";
import { lineChart } from "./plot.mjs";

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const read = (name) => {
  const file = path(`bench/results/${name}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
};

const table = (heads, rows) =>
  [heads, heads.map((_, k) => (k === 0 ? "---" : "---:")), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
const ms = (value) => (value === undefined ? "" : `${value.toFixed(value < 100 ? 1 : 0)} ms`);
const best = ({ pytorch_ms }) => Math.min(...Object.values(pytorch_ms));
const bestForm = ({ pytorch_ms }) => Object.entries(pytorch_ms).sort(([, a], [, b]) => a - b)[0][0];

const steps = read("versus_pytorch");
const faiss = read("versus_faiss");

/** Names of cases, in the words of a reader. */
const NAMES = {
  one: "a step, one loss",
  six: "a step, six losses with a head each",
  twelve: "a step, twelve losses with a head each",
  twelve_shared: "a step, twelve losses on one head",
  resnet18: "a step, ResNet-18, 64x64",
  losses_1024: "six losses alone, batch 1024",
  triplet_1024: "triplet alone, batch 1024",
  multi_similarity_1024: "multi-similarity alone, batch 1024",
  arcface_100k: "ArcFace alone, 100,000 classes",
  proxy_anchor_100k: "Proxy-Anchor alone, 100,000 classes",
};

function stepRows() {
  if (steps === undefined) return [];
  return Object.entries(NAMES).flatMap(([name, said]) => {
    const row = steps.results[name];
    return row === undefined ? [] : [{ said, row }];
  });
}

const machineOf = (result) => `${machineText(result)}, ${result.date}`;

function readmeTable() {
  const rows = stepRows().map(({ said, row }) => [
    said,
    ms(row.ours_ms),
    `${ms(best(row))} (${bestForm(row).replace("_", "-")})`,
    `${row.ratio.toFixed(1)}x`,
  ]);
  if (faiss !== undefined) {
    const { n, dim } = faiss.embeddings;
    rows.push([
      `Recall@K and MAP@R of ${n.toLocaleString("en")} x ${dim}`,
      `${faiss.ours_seconds.toFixed(1)} s`,
      `${faiss.faiss_seconds.toFixed(1)} s (faiss-cpu)`,
      `${faiss.ratio.toFixed(1)}x`,
    ]);
  }
  if (rows.length === 0) return undefined;
  const one = steps?.results.one;
  const engine =
    one === undefined ? "" : ` ${one.engine}; ${one.pytorch} with pytorch-metric-learning 2.9.0.`;
  return `${table(["what", "dmlc", "PyTorch", "faster"], rows)}

Same net, batch, losses, heads and optimiser on the same CPU, side by side; PyTorch's best form of eager, compiled and channels-last.${engine} ${machineOf(steps ?? faiss)}. [More](docs/benchmarks.md), with the scripts that measured it.`;
}

function curve(prefix, title, axis) {
  const points = Object.entries(steps?.results ?? {})
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, row]) => ({ x: Number(name.slice(prefix.length)), ours: row.ours_ms, theirs: best(row) }))
    .sort((a, b) => a.x - b.x);
  if (points.length < 2) return [];
  const file = `docs/plots/${prefix.replace("_", "")}.svg`;
  mkdirSync(path("docs/plots"), { recursive: true });
  writeFileSync(
    path(file),
    lineChart({
      title,
      x: { name: axis, values: points.map(({ x }) => x) },
      y: "ms a step",
      series: [
        { name: "dmlc, tensorflow", values: points.map(({ ours }) => ours) },
        { name: "PyTorch + pytorch-metric-learning", values: points.map(({ theirs }) => theirs) },
      ],
    }),
  );
  const rows = points.map(({ x, ours, theirs }) => [
    x.toLocaleString("en"),
    ms(ours),
    ms(theirs),
    (theirs / ours).toFixed(2),
  ]);
  return [
    `## ${title}`,
    `![${title}](plots/${prefix.replace("_", "")}.svg)`,
    table([axis, "dmlc", "PyTorch, eager", "ratio"], rows),
  ];
}

function stepsSection() {
  if (steps === undefined) return [];
  const rows = stepRows().map(({ said, row }) => [
    said,
    ms(row.ours_ms),
    ...["eager", "compiled", "channels_last"].map((form) => ms(row.pytorch_ms[form])),
    `${row.ratio.toFixed(2)} (${row.ratios.map((each) => each.toFixed(2)).join(", ")})`,
    `${row.ours_peak_mb} / ${row.pytorch_peak_mb} MB`,
    row.ours_gflops === undefined ? "" : `${row.ours_gflops.toFixed(0)} of ${row.product_gflops.toFixed(0)}`,
  ]);
  const { one, twelve, twelve_shared } = steps.results;
  const growth =
    one === undefined || twelve === undefined || twelve_shared === undefined
      ? []
      : [
          `Twelve losses cost ${(twelve.ours_ms / one.ours_ms).toFixed(2)} times one loss with a head each (PyTorch: ${(best(twelve) / best(one)).toFixed(2)}), and ${(twelve_shared.ours_ms / one.ours_ms).toFixed(2)} times on one shared head (PyTorch: ${(best(twelve_shared) / best(one)).toFixed(2)}).`,
        ];
  return [
    "## Against PyTorch",
    "The net is two convolutions of 32 and 64 with pooling on 28x28 images and heads of 64, batch 128 in classes of 4, Adam, unless it says otherwise. Of our steps one in ten gives its values, such as the losses, as in training; the others compute none. A ratio is PyTorch's best form over ours within one round; the median of the rounds, and each round in parentheses. Memory is the largest resident set of the process, ours / PyTorch's least; ours has the first step in it, which is recorded operation by operation: its forward pass holds what gradients need, and its backward pass lets go of that on the way. The last column is the rate of the step's convolutions and heads in 10^9 operations a second, of that of a 1024 x 1024 product.",
    table(["what", "dmlc", "eager", "compiled", "channels-last", "ratio", "peak memory", "rate"], rows),
    ...growth,
    `${machineOf(steps)}. ${steps.results.one?.engine ?? ""}; ${steps.results.one?.pytorch ?? ""}. Load average while measuring: ${Object.values(
      steps.results,
    )
      .map(({ load_average }) => load_average)
      .reduce((a, b) => Math.max(a, b), 0)} at most. \`node bench/versus_pytorch.mjs\``,
    ...curve("batch_", "Cost against the batch", "batch"),
    ...curve("classes_", "Cost against the number of classes", "classes"),
  ];
}

function faissSection() {
  if (faiss === undefined) return [];
  const { n, dim, classes } = faiss.embeddings;
  return [
    "## Evaluation against faiss",
    table(
      ["", "dmlc", "faiss-cpu"],
      [
        ["seconds", faiss.ours_seconds.toFixed(1), faiss.faiss_seconds.toFixed(1)],
        ["Recall@1", faiss.recall_at_1.ours.toFixed(4), faiss.recall_at_1.faiss.toFixed(4)],
        ["MAP@R", faiss.map_at_r.ours.toFixed(4), faiss.map_at_r.faiss.toFixed(4)],
        ["peak memory", `${faiss.ours_peak_mb} MB`, `${faiss.faiss_peak_mb} MB`],
      ],
    ),
    `${n.toLocaleString("en")} embeddings of ${dim} in ${classes.toLocaleString("en")} classes, exact search. Ratio ${faiss.ratio} (rounds: ${faiss.ratios.join(", ")}). ${machineOf(faiss)}; ${faiss.engine}; ${faiss.faiss}. \`node bench/versus_faiss.mjs\``,
  ];
}

function pipelineSection() {
  const pipeline = read("input_pipeline");
  if (pipeline === undefined) return [];
  const percent = (share) => `${(100 * share).toFixed(1)}%`;
  const rows = Object.entries(pipeline.results).map(([task, { threads, none }]) => [
    task,
    percent(threads.in_the_step),
    percent(none.in_the_step),
    ms(threads.ms_per_step),
  ]);
  return [
    "## Waiting for batches",
    table(["task", "time in the step", "without threads", "a step"], rows),
    `${machineOf(pipeline)}; engine ${pipeline.engine}. \`node bench/input_pipeline.mjs\``,
  ];
}

const SETS = {
  variants: "Losses some of which are one loss with other settings:",
  library: "Twelve different losses of the library:",
};

function sharingSection() {
  const sharing = read("loss_sharing");
  if (sharing?.sets === undefined) return [];
  const rowsOf = (measured) =>
    measured.map(({ batch, width, results, captured }) => {
      const all = results.at(-1);
      return [
        `${batch} x ${width}`,
        `${all.eager_ms.toFixed(2)} ms`,
        `${all.captured_ms.toFixed(2)} ms`,
        `${(all.eager_ms / all.captured_ms).toFixed(1)}x`,
        captured.dearest,
        captured.to_dearest.toFixed(2),
        captured.bound.toFixed(2),
        captured.to_sum.toFixed(2),
      ];
    });
  const heads = [
    "batch x width",
    "by operation",
    "captured",
    "faster",
    "dearest",
    "times that",
    "at least",
    "of the sum",
  ];
  const dates = Object.values(sharing.sets).flatMap((measured) => measured.map(({ date }) => date));
  return [
    "## Twelve losses on one head, on wasm",
    "The losses alone, values and gradients: operation by operation and captured, how many times the dearest of them costs the twelve cost together, captured as well, and what share of all twelve alone. Products with class vectors of its own belong to a loss alone; `at least` is the dearest loss and those products of the others, measured as a program of their own.",
    ...Object.entries(SETS).flatMap(([set, title]) =>
      sharing.sets[set] === undefined ? [] : [title, table(heads, rowsOf(sharing.sets[set]))],
    ),
    `${machineOf({ machine: sharing.machine, date: dates.sort().at(-1) })}. \`node bench/loss_sharing.mjs [--set library]\``,
  ];
}

function memorySection() {
  const flat = read("memory_flat");
  if (flat === undefined) return [];
  const rows = flat.results.flatMap(({ engine, readings }) =>
    readings.map(({ step, resident_mb, tensors }) => [
      engine,
      step.toLocaleString("en"),
      `${resident_mb.toFixed(0)} MB`,
      `${tensors}`,
    ]),
  );
  return [
    "## Memory of a long run",
    table(["engine", "after step", "resident", "tensors"], rows),
    "`node bench/memory_flat.mjs`",
  ];
}

const sections = [
  "# Benchmarks",
  "Written by `npm run generate` from `bench/results/`; each section names the script that measured it and the machine. Claims are ratios of two things measured side by side in one run.",
  ...stepsSection(),
  ...faissSection(),
  ...pipelineSection(),
  ...sharingSection(),
  ...memorySection(),
];
if (sections.length > 2) writeFileSync(path("docs/benchmarks.md"), `${sections.join("\n\n")}\n`);

const [BEGIN, END] = ["<!-- speed:begin -->", "<!-- speed:end -->"];
const readme = readFileSync(path("README.md"), "utf8");
const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
const text = readmeTable();
if (begin >= 0 && end > begin && text !== undefined) {
  writeFileSync(
    path("README.md"),
    `${readme.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${readme.slice(end)}`,
  );
}
