/**
 * What capturing saves in a whole training step on the wasm engine: the icon example's step (examples/icons.dml, batch
 * 64, 32x32, AdamW) as it is and captured, on random images. Prints, and writes bench/results/captured_step.json. Run
 * after `npm run build`:
 *
 *   node bench/captured_step.mjs [--rounds 30] [--spec examples/icons.dml]
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startEngine } from "../dist/src/runtime/engine/index.js";
import { tf } from "../dist/src/runtime/index.js";
import { counterRandom } from "../dist/src/runtime/random.js";
import { capturedStep } from "../dist/src/runtime/train/captured_step.js";
import { createOptimizer } from "../dist/src/runtime/train/optimizers.js";
import { createStep } from "../dist/src/runtime/train/step.js";
import { initialGeneration } from "../dist/src/runtime/train/trainer.js";
import { programOf } from "./load_program.mjs";
import { machine } from "./machine.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "30" },
    spec: { type: "string", default: "examples/icons.dml" },
  },
});
const BATCH = { classes: 16, samples: 4 };
const CLASSES = 200;
const WARM_UP = 10;

const lowQuintile = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 5)];

const engine = await startEngine("wasm");
const text = readFileSync(join(root, options.spec), "utf8");
const program = await programOf(text, { path: options.spec });
const sizes = { classes: CLASSES };
const specs = program.parameters(sizes);
const optimizer = createOptimizer(program.train.optimizer, specs);
const random = counterRandom(1, "bench");
const size = BATCH.classes * BATCH.samples;
const [height, width, channels] = program.image;
const images = tf.tensor4d(
  Float32Array.from({ length: size * height * width * channels }, () => random.uniform()),
  [size, height, width, channels],
);
const labels = tf.tensor1d(
  Array.from({ length: size }, (_, k) => Math.floor(k / BATCH.samples)),
  "int32",
);
const values = optimizer.rates(100, 1);
const rates = {
  lr: Object.fromEntries(Object.entries(values.lr).map(([key, lr]) => [key, tf.scalar(lr)])),
  firstCorrection: tf.scalar(values.firstCorrection),
  secondCorrection: tf.scalar(values.secondCorrection),
};
const plain = createStep(program, sizes, specs, optimizer);
const said = [];
const captured = capturedStep(engine.recorder, plain, (message) => said.push(message)).step;
const start = initialGeneration(program, sizes, specs, 1);
const arms = [plain, captured].map((step) => ({
  times: [],
  run: () => {
    const { values: result, parameters, state, slots } = step(start, { images, labels, noise: {} }, rates);
    const total = result.total.dataSync()[0];
    const before = [start.parameters, start.state, start.slots].flatMap((map) => Object.values(map));
    const made = [result, parameters, state, slots].flatMap((tree) => tensorsIn(tree));
    for (const tensor of made) if (!before.includes(tensor)) tensor.dispose();
    return total;
  },
}));
for (const { run } of arms) for (let k = 0; k < WARM_UP; k++) run();
// In turn, so that a machine that slows down slows both.
for (let round = 0; round < Number(options.rounds); round++) {
  for (const { run, times } of arms) {
    const from = performance.now();
    run();
    times.push(performance.now() - from);
  }
}
const [eager, replayed] = arms.map(({ times }) => Number(lowQuintile(times).toFixed(2)));
console.log(said.join("\n"));
console.log(`as it is ${eager} ms, captured ${replayed} ms, ${(eager / replayed).toFixed(2)} times as fast`);
const report = {
  machine: machine(),
  date: new Date().toISOString().slice(0, 10),
  engine: engine.description,
  spec: options.spec,
  batch: BATCH,
  eager_ms: eager,
  captured_ms: replayed,
};
writeFileSync(join(root, "bench", "results", "captured_step.json"), `${JSON.stringify(report, null, 2)}\n`);

function tensorsIn(tree) {
  return tree instanceof tf.Tensor ? [tree] : Object.values(tree ?? {}).flatMap(tensorsIn);
}
