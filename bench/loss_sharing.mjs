/**
 * What sharing saves: twelve losses on one shared head against each of them alone, on the loss part of the step (values
 * and gradients by the embeddings and the losses' parameters), batch 64 (16 x 4), width 64, 100 classes, engine wasm.
 * Prints the table and writes bench/results/loss_sharing.json. Run after `npm run build`:
 *
 *   node bench/loss_sharing.mjs [--rounds 30]
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { nodeHost } from "../dist/src/cli/host.js";
import { importProgram } from "../dist/src/cli/provide_runtime.js";
import { checkText, emitModel } from "../dist/src/compile.js";
import { eraseTypes } from "../dist/src/emit/typescript/erase.js";
import { startEngine } from "../dist/src/runtime/engine/index.js";
import { tf } from "../dist/src/runtime/index.js";
import { counterRandom } from "../dist/src/runtime/random.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values: options } = parseArgs({ options: { rounds: { type: "string", default: "30" } } });
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
const BATCH = { classes: 16, samples: 4 };
const WIDTH = 64;
const CLASSES = 100;

const spec = (names) => `
dataset icons = icon_sets() { split: zero_shot(train: 0.5) }
model m {
  data: icons
  backbone: conv4()
  embedding: shared linear(${WIDTH}) |> normalize
  losses { ${names.map((name) => `${name}: ${LOSSES[name]}`).join("\n")} }
  combine: ${names.join(" + ")}
  train { batch: ${BATCH.classes} classes * ${BATCH.samples} samples  steps: 1 }
}
`;

const host = nodeHost(join(root, "spec.dml"));
const folder = mkdtempSync(join(tmpdir(), "dmlc-bench-"));

async function programOf(names, file) {
  const checked = checkText(host, { path: "spec.dml", text: spec(names), standard: false });
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

/** A function that runs the loss part once, values and gradients. */
function lossPart(program) {
  const random = counterRandom(1, "bench");
  const batch = BATCH.classes * BATCH.samples;
  const normal = (shape) =>
    tf.tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
      shape,
    );
  const rows = tf.tidy(() => {
    const x = normal([batch, WIDTH]);
    return tf.div(x, tf.norm(x, "euclidean", 1, true));
  });
  const labels = tf.tensor1d(
    Array.from({ length: batch }, (_, k) => Math.floor(k / BATCH.samples)),
    "int32",
  );
  const sizes = { classes: CLASSES };
  const params = program.parameters(sizes).filter(({ name }) => name.startsWith("losses/"));
  const values = params.map(({ shape }) => normal([...shape]));
  const { name: head } = program.heads[0];
  const total = (...inputs) => {
    const byName = new Map(params.map(({ name }, k) => [name, inputs[k + 1]]));
    const net = {
      sizes,
      training: true,
      param: (name) => byName.get(name),
      state: () => {},
      update: () => {},
    };
    const losses = program.losses({ [head]: inputs[0] }, labels, net);
    return Object.values(losses)
      .map(({ value }) => value)
      .reduce((a, b) => tf.add(a, b));
  };
  const gradients = tf.grads(total);
  return () => {
    const all = gradients([rows, ...values]);
    all[0].dataSync();
    tf.dispose(all);
  };
}

const lowQuintile = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 5)];

try {
  const engine = await startEngine("wasm");
  const names = Object.keys(LOSSES);
  const arms = [];
  for (const name of names) arms.push({ name, run: lossPart(await programOf([name], name)), times: [] });
  arms.push({ name: "all twelve", run: lossPart(await programOf(names, "all")), times: [] });
  for (const arm of arms) for (let k = 0; k < 5; k++) arm.run();
  // In turn, so that a machine that slows down slows all of them.
  for (let round = 0; round < Number(options.rounds); round++)
    for (const arm of arms) {
      const start = performance.now();
      arm.run();
      arm.times.push(performance.now() - start);
    }
  const results = arms.map(({ name, times }) => ({ name, ms: Number(lowQuintile(times).toFixed(3)) }));
  const single = results.slice(0, -1);
  const dearest = single.reduce((a, b) => (a.ms > b.ms ? a : b));
  const sum = single.reduce((total, { ms }) => total + ms, 0);
  const all = results.at(-1).ms;
  for (const { name, ms } of results) console.log(`${name.padEnd(20)}${ms.toFixed(2).padStart(8)} ms`);
  console.log(
    `all / dearest (${dearest.name}): ${(all / dearest.ms).toFixed(2)}; all / sum: ${(all / sum).toFixed(2)}`,
  );
  const report = {
    machine: { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, node: process.versions.node },
    date: new Date().toISOString().slice(0, 10),
    engine: engine.description,
    batch: BATCH,
    width: WIDTH,
    classes: CLASSES,
    results,
    ratio_to_dearest: Number((all / dearest.ms).toFixed(3)),
    ratio_to_sum: Number((all / sum).toFixed(3)),
  };
  writeFileSync(join(root, "bench", "results", "loss_sharing.json"), `${JSON.stringify(report, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
