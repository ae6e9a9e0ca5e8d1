/**
 * What the pass `at-label` saves: ArcFace, value and gradients by the embeddings and the classes' weights, with that pass
 * and without, on the wasm engine, operation by operation and captured. Batch 128, width 128; counts the kernels of one
 * step whose result has a number for each sample and class. Prints, and writes bench/results/at_label.json. Run after
 * `npm run build`:
 *
 *   node bench/at_label.mjs [--rounds 15] [--classes 1000,10000,100000]
 */
import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { eraseTypes } from "../dist/src/emit/typescript/erase.js";
import { lossStatements } from "../dist/src/emit/typescript/losses.js";
import { Builder } from "../dist/src/ir/build.js";
import { Graph } from "../dist/src/ir/graph.js";
import { rootsOf, withRoots } from "../dist/src/ir/lower/loss.js";
import { lowerModel } from "../dist/src/ir/lower/model.js";
import { PASSES, settingsOf } from "../dist/src/ir/passes/optimise.js";
import { capture } from "../dist/src/runtime/engine/capture/capture.js";
import { startEngine } from "../dist/src/runtime/engine/index.js";
import { ops, tf } from "../dist/src/runtime/index.js";
import { counterRandom } from "../dist/src/runtime/random.js";
import { planOf } from "./load_program.mjs";
import { machine } from "./machine.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "15" },
    classes: { type: "string", default: "1000,10000,100000" },
  },
});
const WIDTH = 128;
const BATCH = 128;
const SPEC = `
dataset icons = icon_sets() { split: zero_shot(train: 0.5) }
model m {
  data: icons
  backbone: conv4()
  embedding: linear(${WIDTH}) |> normalize
  losses { loss: arcface() }
  combine: loss
  train { batch: ${BATCH / 4} classes * 4 samples  steps: 1 }
}
`;

/** The loss as a function of embeddings, labels and weights, after every pass but the one named. */
function compiled(without) {
  const plan = planOf(SPEC);
  const [{ lowered }] = lowerModel(plan);
  const graph = new Graph();
  let roots = rootsOf(lowered);
  for (const { name, rules, run } of PASSES)
    if (name !== without) roots = run(new Builder(graph, rules), roots, settingsOf(plan));
  const [{ head }] = plan.losses;
  const { lines, results } = lossStatements([
    { name: "loss", lowered: withRoots(lowered, roots), comment: [] },
  ]);
  const body = eraseTypes(`${lines.join("\n")}\nreturn ${results[0].value};`);
  const run = new Function("tf", "ops", "embeddings", "labels", "net", body);
  return (classes, labels, x, w) =>
    run(tf, ops, { [head]: x }, labels, { sizes: { classes }, param: () => w }).value;
}

const lowQuintile = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 5)];
const round = (value) => Number(value.toFixed(2));

/** Kernels of a step whose result has a number for each sample and class. */
async function passesOver(classes, step) {
  const { kernels } = await tf.profile(step);
  const isMatrix = (shape) => shape?.slice(-2).join() === `${BATCH},${classes}`;
  const views = new Set(["Identity", "Reshape"]);
  return kernels.filter(({ name, outputShapes }) => !views.has(name) && outputShapes.some(isMatrix)).length;
}

async function measure(classes, engine) {
  const random = counterRandom(1, "bench");
  const normal = (shape) =>
    tf.tensor(
      Float32Array.from({ length: shape[0] * shape[1] }, () => random.normal()),
      shape,
    );
  const x = normal([BATCH, WIDTH]);
  const w = normal([classes, WIDTH]);
  const labels = tf.tensor1d(
    Array.from({ length: BATCH }, () => Math.floor(random.uniform() * classes)),
    "int32",
  );
  const arms = [];
  for (const [name, without] of [
    ["without", "at-label"],
    ["with", undefined],
  ]) {
    const loss = compiled(without);
    const step = (labelsNow, inputs) => tf.grads((...given) => loss(classes, labelsNow, ...given))(inputs);
    const captured = capture(engine.recorder, step, { label: name, say: () => {} });
    const arm = (fn) => () => {
      const all = fn(labels, [x, w]);
      all.forEach((each) => each.dataSync());
      tf.dispose(all);
    };
    const passes = await passesOver(classes, () => step(labels, [x, w]));
    arms.push({ name, passes, eager: arm(step), captured: arm(captured), dispose: () => captured.dispose() });
  }
  const times = arms.map(() => ({ eager: [], captured: [] }));
  // In turn, so that a machine that slows down slows all of them; the first rounds are not counted.
  for (let k = -3; k < Number(options.rounds); k++) {
    arms.forEach((arm, n) => {
      for (const key of ["eager", "captured"]) {
        const start = performance.now();
        arm[key]();
        if (k >= 0) times[n][key].push(performance.now() - start);
      }
    });
  }
  for (const arm of arms) arm.dispose();
  tf.dispose([x, w, labels]);
  return {
    classes,
    ...Object.fromEntries(
      arms.map(({ name, passes }, n) => [
        name,
        {
          passes,
          eager_ms: round(lowQuintile(times[n].eager)),
          captured_ms: round(lowQuintile(times[n].captured)),
        },
      ]),
    ),
  };
}

const engine = await startEngine("wasm");
const measured = [];
for (const classes of options.classes.split(",").map(Number)) {
  const line = await measure(classes, engine);
  measured.push(line);
  for (const name of ["without", "with"]) {
    const { passes, eager_ms: eager, captured_ms: captured } = line[name];
    console.log(
      `${String(classes).padStart(7)} classes, ${name.padEnd(8)} ${passes} kernels over [${BATCH}, ${classes}], ` +
        `${eager} ms as it is, ${captured} ms captured`,
    );
  }
}
const report = {
  machine: machine(),
  load_average: round(loadavg()[0] ?? 0),
  date: new Date().toISOString().slice(0, 10),
  engine: engine.description,
  loss: "arcface",
  batch: BATCH,
  width: WIDTH,
  measured,
};
writeFileSync(join(root, "bench", "results", "at_label.json"), `${JSON.stringify(report, null, 2)}\n`);
