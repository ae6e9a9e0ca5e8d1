/**
 * One case on this project's side: milliseconds of a training step, of the emitted program's own step as the trainer
 * runs it, or of its losses alone, values and gradients. A process of its own, started by `../versus_pytorch.mjs`; prints one line of JSON.
 *
 *   node bench/versus/ours.mjs CASE_AS_JSON ENGINE SECONDS
 */
import { capture } from "../../dist/src/runtime/engine/capture/capture.js";
import { startEngine } from "../../dist/src/runtime/engine/index.js";
import { tf } from "../../dist/src/runtime/index.js";
import { counterRandom } from "../../dist/src/runtime/random.js";
import { capturedStep } from "../../dist/src/runtime/train/captured_step.js";
import { createOptimizer } from "../../dist/src/runtime/train/optimizers.js";
import { stepPrecision } from "../../dist/src/runtime/train/precision.js";
import { recorded } from "../../dist/src/runtime/train/tape.js";
import { createStep } from "../../dist/src/runtime/train/step.js";
import { Holder } from "../../dist/src/runtime/train/tensors.js";
import { initialGeneration } from "../../dist/src/runtime/train/trainer.js";
import { disposeValues } from "../../dist/src/runtime/train/values.js";
import { programOf } from "../load_program.mjs";
import { LOSSES, stepFlops } from "./cases.mjs";

const [json, engineName, seconds] = process.argv.slice(2);
const wanted = JSON.parse(json);

const BACKBONES = {
  none: "conv(4, kernel: 3) |> max_pool(4)",
  conv_32_64: "conv(32, kernel: 3) |> relu |> max_pool(2) |> conv(64, kernel: 3) |> relu |> max_pool(2)",
  resnet18: [
    "conv(64, kernel: 3) |> batch_norm |> relu",
    ...[64, 64, 128, 128, 256, 256, 512, 512].map((width, k) =>
      k > 0 && k % 2 === 0 ? `resnet_block(${width}, stride: 2)` : `resnet_block(${width})`,
    ),
    "global_avg_pool",
  ].join(" |> "),
};

function spec({ net, image, width, batch, losses, heads, precision = "float32" }) {
  const [height, columns, channels] = image;
  return `
dataset photos = folder("photos") {
  image: ${channels === 1 ? "gray" : "rgb"}(${height}x${columns})
  split: zero_shot(train: 0.5)
}
backbone net(): image[h, w, c] -> ${net === "resnet18" ? "vector[_]" : "image[_, _, _]"} { ${BACKBONES[net]} }
model m {
  data: photos
  backbone: net()
  embedding: ${heads === "shared" ? "shared " : ""}linear(${width}) |> normalize
  losses { ${losses.map((name) => `${name}: ${LOSSES[name]}`).join("\n")} }
  combine: ${losses.length === 1 ? losses[0] : losses.join(" + ")}
  train { batch: ${batch.classes} classes * ${batch.samples} samples  optimizer: adam(lr: 1e-3)  steps: 1000  precision: ${precision} }
}
`;
}

const program = await programOf(spec(wanted));
const engine = await startEngine(engineName);
const sizes = { classes: wanted.classes };
const specs = program.parameters(sizes);
const optimizer = createOptimizer(program.train.optimizer, specs);
const notes = [];
const say = (note) => notes.push(note);
const precision = stepPrecision(program, engine);
if (precision.note !== undefined) say(precision.note);
const plain = createStep(program, sizes, specs, optimizer);
const { step, advance } = capturedStep(engine.recorder, precision.of(plain), say);

const { classes, samples } = wanted.batch;
const size = classes * samples;
const random = counterRandom(1, "bench");
const pixels = Float32Array.from({ length: size * wanted.image.reduce((a, b) => a * b, 1) }, () =>
  random.uniform(),
);
const labels = Int32Array.from({ length: size }, (_, k) => Math.floor(k / samples));

const holder = new Holder();
let generation = holder.hold(initialGeneration(program, sizes, specs, 1));
let number = 0;
let total;
/** One step, its batch handed over. As in training, the values of one in ten are read. */
function once() {
  const run = number % 10 === 0 ? step : advance;
  const values = optimizer.rates(number++, 1);
  const batch = {
    images: tf.tensor4d(pixels, [size, ...wanted.image]),
    labels: tf.tensor1d(labels, "int32"),
    noise: {},
  };
  const rates = {
    lr: Object.fromEntries(Object.entries(values.lr).map(([key, lr]) => [key, tf.scalar(lr)])),
    firstCorrection: tf.scalar(values.firstCorrection),
    secondCorrection: tf.scalar(values.secondCorrection),
  };
  const result = run(generation, batch, rates);
  tf.dispose([batch, rates]);
  holder.hold(result);
  holder.release(generation);
  generation = result;
  if (result.values !== undefined) {
    [total] = result.values.total.dataSync();
    disposeValues(result.values);
  }
  return total;
}

/** Values and gradients of the losses, by embeddings of unit length and by their own parameters. */
function lossesAlone() {
  const own = specs.filter(({ name, trainable }) => name.startsWith("losses/") && trainable);
  const all = initialGeneration(program, sizes, specs, 1).parameters;
  const normal = Float32Array.from({ length: size * wanted.width }, () => random.normal());
  const rows = tf.tidy(() => {
    const x = tf.tensor2d(normal, [size, wanted.width]);
    return tf.div(x, tf.norm(x, "euclidean", 1, true));
  });
  const given = tf.tensor1d(labels, "int32");
  const [{ name: head }] = program.heads;
  const state = Object.fromEntries(
    program.state(sizes).map(({ name, shape, initial }) => [name, tf.fill([...shape], initial)]),
  );
  const part = capture(
    engine.recorder,
    (x, y, params) => {
      const net = {
        sizes,
        training: true,
        param: (name) => params[name] ?? all[name],
        state: (name) => state[name],
        update: () => undefined,
      };
      const inputs = [x, ...own.map(({ name }) => params[name])];
      return tf.tidy(() => {
        const { value, grads } = recorded(
          inputs,
          () => {
            const values = Object.values(program.losses({ [head]: x }, y, net, [])).map((loss) => loss.value);
            return values.reduce((a, b) => tf.add(a, b));
          },
          (total, gradientsOf) => ({ value: total, grads: gradientsOf(total, "last") }),
        );
        return { value, grads };
      });
    },
    { label: "losses", say },
  );
  const params = Object.fromEntries(own.map(({ name }) => [name, all[name]]));
  return () => {
    const { value, grads } = part(rows, given, params);
    const [total] = value.dataSync();
    tf.dispose([value, grads]);
    return total;
  };
}

const run = wanted.net === "none" ? lossesAlone() : once;
const first = run();
for (let k = 0; k < 4; k++) run();
const times = [];
const before = process.cpuUsage();
const end = performance.now() + Number(seconds) * 1000;
let last = first;
while (performance.now() < end || times.length < 5) {
  const from = performance.now();
  last = run();
  times.push(performance.now() - from);
}
const { user, system } = process.cpuUsage(before);
times.sort((a, b) => a - b);
/** Rate of a large matrix product on this engine, in 10^9 operations a second: the machine's limit. */
function productRate() {
  const [a, b] = [tf.randomNormal([1024, 1024]), tf.randomNormal([1024, 1024])];
  const rates = Array.from({ length: 12 }, () => {
    const from = performance.now();
    const c = tf.matMul(a, b);
    c.dataSync();
    c.dispose();
    return (2 * 1024 ** 3) / (performance.now() - from) / 1e6;
  });
  tf.dispose([a, b]);
  return rates.sort((x, y) => x - y)[9];
}

const flops = stepFlops(wanted);
const ms = times[Math.floor(times.length / 4)];
const limit = flops === undefined ? {} : { gflops: flops / ms / 1e6, product_gflops: productRate() };
const { maxRSS } = process.resourceUsage();
console.log(
  JSON.stringify({
    ms,
    ...limit,
    median: times[times.length >> 1],
    cpu_ms: (user + system) / 1000 / times.length,
    steps: times.length,
    first,
    last,
    peak_mb: Math.round(maxRSS / 1024),
    engine: engine.description,
    notes,
  }),
);
process.exit(0);
