/**
 * What sharing saves: twelve losses on one shared head against each of them alone, on the loss part of the step (values
 * and gradients by the embeddings and the losses' parameters), on the wasm engine, operation by operation and captured.
 * Batches of 4 samples a class; 100 classes, or as many as the batch has. Prints the tables and writes
 * bench/results/loss_sharing.json. Run after `npm run build`:
 *
 *   node bench/loss_sharing.mjs [--rounds 30] [--sizes 64x64,64x256,128x64,256x64,512x64]   (batch x width)
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { nodeHost } from "../dist/src/cli/host.js";
import { importProgram } from "../dist/src/cli/provide_runtime.js";
import { checkText, emitModel } from "../dist/src/compile.js";
import { eraseTypes } from "../dist/src/emit/typescript/erase.js";
import { capture } from "../dist/src/runtime/engine/capture/capture.js";
import { startEngine } from "../dist/src/runtime/engine/index.js";
import { tf } from "../dist/src/runtime/index.js";
import { counterRandom } from "../dist/src/runtime/random.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "30" },
    sizes: { type: "string", default: "64x64,64x256,128x64,256x64,512x64" },
  },
});
const LOSSES = {
  contrastive: "contrastive(margin: 0.5)",
  wide: "contrastive(margin: 0.9)",
  cosine: "contrastive(margin: 0.6, distance: cosine_distance)",
  triplet: "triplet(margin: 0.2)",
  soft_margin: "triplet(margin: 0.1, smooth: true)",
  multi_similarity: "multi_similarity()",
  smooth: "multi_similarity(beta: 20)",
  circle: "circle()",
  supcon: "supcon()",
  proxy_anchor: "proxy_anchor()",
  normalized_softmax: "normalized_softmax()",
  arcface: "arcface(margin: 11deg, scale: 24)",
};
const SAMPLES = 4;
const CLASSES = 100;

const spec = (names, { batch, width }) => `
dataset icons = icon_sets() { split: zero_shot(train: 0.5) }
model m {
  data: icons
  backbone: conv4()
  embedding: shared linear(${width}) |> normalize
  losses { ${names.map((name) => `${name}: ${LOSSES[name]}`).join("\n")} }
  combine: ${names.join(" + ")}
  train { batch: ${batch / SAMPLES} classes * ${SAMPLES} samples  steps: 1 }
}
`;

const host = nodeHost(join(root, "spec.dml"));
const folder = mkdtempSync(join(tmpdir(), "dmlc-bench-"));

async function programOf(names, size, file) {
  const checked = checkText(host, { path: "spec.dml", text: spec(names, size), standard: false });
  if (checked.models.length === 0)
    throw new Error(checked.diagnostics.map((each) => each.message).join("\n"));
  const emitted = await emitModel(checked.models[0], {
    specFile: "spec.dml",
    specHash: "",
    compiler: "dmlc",
  });
  const path = join(folder, `${file}.js`);
  writeFileSync(path, eraseTypes(emitted.text));
  return importProgram(path);
}

/** Functions that run the loss part once, values and gradients: operation by operation, and captured. */
function lossPart(program, { batch, width }, recorder) {
  const random = counterRandom(1, "bench");
  const normal = (shape) =>
    tf.tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
      shape,
    );
  const rows = tf.tidy(() => {
    const x = normal([batch, width]);
    return tf.div(x, tf.norm(x, "euclidean", 1, true));
  });
  const labels = tf.tensor1d(
    Array.from({ length: batch }, (_, k) => Math.floor(k / SAMPLES)),
    "int32",
  );
  const sizes = { classes: Math.max(CLASSES, batch / SAMPLES) };
  const params = program.parameters(sizes).filter(({ name }) => name.startsWith("losses/"));
  const values = params.map(({ shape }) => normal([...shape]));
  const { name: head } = program.heads[0];
  const gradients = (labelsNow, inputs) =>
    tf.grads((...given) => {
      const byName = new Map(params.map(({ name }, k) => [name, given[k + 1]]));
      const net = {
        sizes,
        training: true,
        param: (name) => byName.get(name),
        state: () => {},
        update: () => {},
      };
      const losses = program.losses({ [head]: given[0] }, labelsNow, net);
      return Object.values(losses)
        .map(({ value }) => value)
        .reduce((a, b) => tf.add(a, b));
    })(inputs);
  const captured = capture(recorder, gradients, { label: "loss part", say: (note) => notes.add(note) });
  const arm = (fn) => () => {
    const all = fn(labels, [rows, ...values]);
    all[0].dataSync();
    tf.dispose(all);
  };
  return { eager: arm(gradients), captured: arm(captured), dispose: () => captured.dispose() };
}

const lowQuintile = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 5)];
const round = (value) => Number(value.toFixed(3));
const notes = new Set();

/** Milliseconds of each loss and of all twelve at one size. */
async function measure(size, engine) {
  const names = Object.keys(LOSSES);
  const sets = [...names.map((name) => [name]), names];
  const arms = [];
  for (const set of sets) {
    const name = set.length === 1 ? set[0] : "all twelve";
    const file = `${size.batch}_${size.width}_${name.replace(" ", "_")}`;
    const part = lossPart(await programOf(set, size, file), size, engine.recorder);
    arms.push({ name, ...part, eagerTimes: [], capturedTimes: [] });
  }
  const rounds = Number(options.rounds);
  for (const arm of arms) {
    for (let k = 0; k < 5; k++) arm.eager();
    for (let k = 0; k < 100; k++) arm.captured();
  }
  // In turn, so that a machine that slows down slows all of them; each once untimed before, as in a training loop.
  for (let k = 0; k < rounds; k++) {
    for (const arm of arms) {
      for (const [run, times] of [
        [arm.eager, arm.eagerTimes],
        [arm.captured, arm.capturedTimes],
      ]) {
        run();
        const start = performance.now();
        run();
        times.push(performance.now() - start);
      }
    }
  }
  for (const arm of arms) arm.dispose();
  const results = arms.map(({ name, eagerTimes, capturedTimes }) => ({
    name,
    eager_ms: round(lowQuintile(eagerTimes)),
    captured_ms: round(lowQuintile(capturedTimes)),
  }));
  const single = results.slice(0, -1);
  const all = results.at(-1);
  const ratios = (key) => ({
    dearest: single.reduce((a, b) => (a[key] > b[key] ? a : b)).name,
    to_dearest: round(all[key] / Math.max(...single.map((each) => each[key]))),
    to_sum: round(all[key] / single.reduce((sum, each) => sum + each[key], 0)),
  });
  return { ...size, results, eager: ratios("eager_ms"), captured: ratios("captured_ms") };
}

try {
  const engine = await startEngine("wasm");
  const measured = [];
  for (const text of options.sizes.split(",")) {
    const [batch, width] = text.split("x").map(Number);
    const each = await measure({ batch, width }, engine);
    measured.push(each);
    console.log(`\nbatch ${batch}, width ${width}: ms as it is, captured`);
    for (const { name, eager_ms: eager, captured_ms: captured } of each.results)
      console.log(
        `${name.padEnd(20)}${eager.toFixed(2).padStart(8)}${captured.toFixed(3).padStart(9)}` +
          `${(eager / captured).toFixed(1).padStart(7)}x`,
      );
    for (const key of ["eager", "captured"])
      console.log(
        `${key}: all / dearest (${each[key].dearest}) ${each[key].to_dearest}; all / sum ${each[key].to_sum}`,
      );
  }
  console.log(`\n${[...notes].join("\n")}`);
  const report = {
    machine: { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, node: process.versions.node },
    load_average: round(loadavg()[0] ?? 0),
    date: new Date().toISOString().slice(0, 10),
    engine: engine.description,
    samples_per_class: SAMPLES,
    classes: `${CLASSES}, or as many as the batch has`,
    measured,
  };
  writeFileSync(join(root, "bench", "results", "loss_sharing.json"), `${JSON.stringify(report, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
