/**
 * What `dmlc compile --stack` saves or costs on an engine: six heads `linear(64) |> normalize` with a multi-similarity
 * loss each, on features of several widths, batch 128; values and gradients by the heads' parameters, operation by
 * operation and captured. Prints a table and writes bench/results/stacked_heads_ENGINE.json. Run after `npm run build`:
 *
 *   node bench/stacked_heads.mjs [--engine wasm] [--rounds 30]
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { capture } from "../dist/src/runtime/engine/capture/capture.js";
import { startEngine } from "../dist/src/runtime/engine/index.js";
import { tf } from "../dist/src/runtime/index.js";
import { counterRandom } from "../dist/src/runtime/random.js";
import { programOf } from "./load_program.mjs";
import { machine } from "./machine.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values: options } = parseArgs({
  options: { rounds: { type: "string", default: "30" }, engine: { type: "string", default: "wasm" } },
});
const HEADS = 6;
const BATCH = { classes: 32, samples: 4 };
/** Sides of the images: with the images themselves as features, widths 256, 1024 and 3136. */
const SIDES = [16, 32, 56];

const names = Array.from({ length: HEADS }, (_, k) => `loss${k + 1}`);
const spec = (side) => `
dataset images = folder("images") { image: gray(${side}x${side}), split: zero_shot(train: 0.5) }
model heads {
  data: images
  backbone: flatten
  embedding: linear(64) |> normalize
  losses { ${names.map((name) => `${name}: multi_similarity()`).join("\n")} }
  combine: ${names.join(" + ")}
  train { batch: ${BATCH.classes} classes * ${BATCH.samples} samples  steps: 1 }
}
`;

/** A function that runs heads and losses once, values and gradients; captured where there is a recorder. */
function step(program, side, recorder) {
  const random = counterRandom(1, "bench");
  const batch = BATCH.classes * BATCH.samples;
  const normal = (shape, scale = 1) =>
    tf.tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => scale * random.normal()),
      shape,
    );
  const images = normal([batch, side, side, 1]);
  const rows = Array.from({ length: batch }, (_, k) => Math.floor(k / BATCH.samples));
  const labels = tf.tensor1d(rows, "int32");
  const sizes = { classes: BATCH.classes };
  const specs = program.parameters(sizes);
  const parameters = specs.map(({ shape }) => normal([...shape], 1 / side));
  const gradients = (x, y, given) =>
    tf.tidy(() => {
      const total = (...inputs) => {
        const byName = new Map(specs.map(({ name }, k) => [name, inputs[k]]));
        const param = (name) => byName.get(name);
        const net = { sizes, training: true, param, state: () => {}, update: () => {} };
        const losses = program.losses(program.embed(x, net).heads, y, net);
        return Object.values(losses)
          .map(({ value }) => value)
          .reduce((a, b) => tf.add(a, b));
      };
      return tf.grads(total)(given);
    });
  const run = capture(recorder, gradients, { label: "heads and losses" });
  return () => {
    const all = run(images, labels, parameters);
    all[0].dataSync();
    tf.dispose(all);
  };
}

const lowQuintile = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 5)];

/** Milliseconds with the heads apart and together. */
async function measured(side, recorder) {
  const arms = [];
  for (const stacked of [false, true]) {
    const run = step(await programOf(spec(side), { stacked }), side, recorder);
    for (let k = 0; k < 3; k++) run();
    arms.push({ run, times: [] });
  }
  // In turn, so that a machine that slows down slows both.
  for (let round = 0; round < Number(options.rounds); round++)
    for (const arm of arms) {
      const start = performance.now();
      arm.run();
      arm.times.push(performance.now() - start);
    }
  const [apart, together] = arms.map(({ times }) => Number(lowQuintile(times).toFixed(3)));
  return { apart_ms: apart, together_ms: together, ratio: Number((together / apart).toFixed(2)) };
}

const engine = await startEngine(options.engine);
const results = [];
for (const side of SIDES)
  for (const captured of engine.recorder === undefined ? [false] : [false, true]) {
    const result = {
      features: side * side,
      captured,
      ...(await measured(side, captured ? engine.recorder : undefined)),
    };
    results.push(result);
    const { apart_ms: apart, together_ms: together, ratio } = result;
    console.log(
      `${String(side * side).padStart(5)} features${captured ? ", captured" : ""}: ` +
        `apart ${apart.toFixed(2)} ms, together ${together.toFixed(2)} ms, ratio ${ratio.toFixed(2)}`,
    );
  }
const report = {
  machine: machine(),
  date: new Date().toISOString().slice(0, 10),
  engine: engine.description,
  heads: HEADS,
  width: 64,
  batch: BATCH,
  results,
};
const file = join(root, "bench", "results", `stacked_heads_${engine.name}.json`);
writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
