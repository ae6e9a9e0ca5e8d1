/**
 * The most memory that one step of a loss takes, value and gradients: bytes of all tensors that are alive at once (those
 * of the inputs and of kernels' own work included), and the size of the wasm heap after it. Triplet at batch 512 (128
 * classes of 4); soft_triple (10 centres, width 16) from 1,000 to 100,000 classes at batch 32 to 256; and every loss of
 * the standard library at batch 128 and 256, with the power of the batch size that the two show. The program is
 * the one `dmlc compile` writes. Each line is a process of its own. Prints the tables and writes
 * bench/results/loss_memory.json. Run after `npm run build`:
 *
 *   node bench/loss_memory.mjs
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startEngine } from "../dist/src/runtime/engine/index.js";
import { tf } from "../dist/src/runtime/index.js";
import { counterRandom } from "../dist/src/runtime/random.js";
import { programOf } from "./load_program.mjs";
import { machine } from "./machine.mjs";

/**
 * @typedef {{ use: string, width: number, batchClasses: number, samples: number, classes: number }} Case
 * @typedef {Case & { peak_mb: number, heap_mb: number, parameters_mb: number}} Line
 */

const root = fileURLToPath(new URL("..", import.meta.url));
const { values: options } = parseArgs({ options: { case: { type: "string" } } });
const MB = 1e6;
/** What is asked of the order in the batch size. */
const LOSSES = [
  "contrastive",
  "margin",
  "triplet",
  "multi_similarity",
  "circle",
  "supcon",
  "histogram",
  "smooth_ap",
  "vicreg",
  "proxy_anchor",
  "normalized_softmax",
  "arcface",
  "soft_triple",
  "matryoshka(triplet, [16, 32, 64])",
];

/** @param {Case} options */
const spec = ({ use, width, batchClasses, samples }) => `
dataset icons = icon_sets() { split: zero_shot(train: 0.5) }
model m {
  data: icons
  backbone: conv4()
  embedding: linear(${width})${use === "vicreg" ? "" : " |> normalize"}
  losses { loss: ${use} }
  combine: loss
  train { batch: ${batchClasses} classes * ${samples} samples  steps: 1 }
}
`;

/**
 * Follows the bytes of all data that the backend holds, what kernels make for themselves included: the most there were
 * at once since the start.
 */
function peakBytes() {
  const storage = tf.backend().dataIdMap;
  const { set, delete: remove } = storage;
  const sizes = new Map();
  let [now, most] = [0, 0];
  storage.set = (id, value) => {
    const bytes =
      value.dtype === "string"
        ? 0
        : tf.util.sizeFromShape(value.shape) * tf.util.bytesPerElement(value.dtype);
    now += bytes - (sizes.get(id) ?? 0);
    sizes.set(id, bytes);
    most = Math.max(most, now);
    return set.call(storage, id, value);
  };
  storage.delete = (id) => {
    now -= sizes.get(id) ?? 0;
    sizes.delete(id);
    return remove.call(storage, id);
  };
  return () => most;
}

/** One step of a loss. @param {Case} options @returns {Promise<Line>} */
async function measure(options) {
  const { width, batchClasses, samples, classes } = options;
  const program = await programOf(spec(options));
  await startEngine("wasm");
  const most = peakBytes();
  const random = counterRandom(1, "bench");
  /** @param {readonly number[]} shape */
  const normal = (shape) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    for (let k = 0; k < data.length; k++) data[k] = random.normal();
    return tf.tensor(data, [...shape]);
  };
  const batch = batchClasses * samples;
  const views = program.views ?? 1;
  const embeddings = Array.from({ length: views }, () =>
    tf.tidy(() => {
      const x = normal([batch, width]);
      return tf.div(x, tf.norm(x, "euclidean", 1, true));
    }),
  );
  const labels = tf.tensor1d(
    Array.from({ length: batch }, (_, k) => Math.floor(k / samples)),
    "int32",
  );
  const sizes = { classes };
  const params = program.parameters(sizes).filter(({ name }) => name.startsWith("losses/"));
  const values = params.map(({ shape }) => normal(shape));
  const { name: head } = program.heads[0];
  /** @param {tf.Tensor[]} inputs */
  const loss = (...inputs) => {
    const byName = new Map(params.map(({ name }, k) => [name, inputs[views + k]]));
    const net = {
      sizes,
      training: true,
      param: (name) => byName.get(name),
      state: () => {},
      update: () => {},
    };
    const [first, ...others] = inputs.slice(0, views).map((x) => ({ [head]: x }));
    return program.losses(first, labels, net, others).loss.value;
  };
  const { value, grads } = tf.valueAndGrads(loss)([...embeddings, ...values]);
  value.dataSync();
  grads[0].dataSync();
  const parameters = values.reduce((sum, each) => sum + each.size * 4, 0);
  return {
    ...options,
    peak_mb: round(most() / MB),
    heap_mb: round(tf.backend().wasm.HEAPU8.length / MB),
    parameters_mb: round(parameters / MB),
  };
}

/** @param {number} x */
const round = (x) => Math.round(x * 10) / 10;

/** A case measured in a process of its own. @param {Case} options @returns {Line} */
function line(options) {
  const args = [
    "--max-old-space-size=4096",
    fileURLToPath(import.meta.url),
    "--case",
    JSON.stringify(options),
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${options.use}: ${stderr}`);
  const result = JSON.parse(stdout);
  const { use, width, batchClasses, samples, classes, peak_mb, heap_mb, parameters_mb } = result;
  console.log(
    [
      use.padEnd(34),
      `width ${width}`.padEnd(10),
      `batch ${batchClasses * samples}`.padEnd(11),
      `classes ${classes}`.padEnd(15),
      `peak ${peak_mb} MB`.padEnd(16),
      `heap ${heap_mb} MB`.padEnd(16),
      `parameters ${parameters_mb} MB`,
    ].join(" "),
  );
  return result;
}

if (options.case !== undefined) {
  console.log(JSON.stringify(await measure(JSON.parse(options.case))));
} else {
  const triplet = [line({ use: "triplet", width: 64, batchClasses: 128, samples: 4, classes: 128 })];
  const softTriple = [1000, 10_000, 100_000].flatMap((classes) =>
    [32, 64, 128, 256].map((batch) =>
      line({ use: "soft_triple", width: 16, batchClasses: batch / 4, samples: 4, classes }),
    ),
  );
  const orders = LOSSES.map((use) => {
    const [half, full] = [32, 64].map((batchClasses) =>
      line({ use, width: 64, batchClasses, samples: 4, classes: 64 }),
    );
    const fixed = 2 * full.parameters_mb;
    const order = Math.log2((full.peak_mb - fixed) / (half.peak_mb - fixed));
    return { use, batch: 256, peak_mb: full.peak_mb, peak_mb_at_half: half.peak_mb, order: round(order) };
  });
  for (const { use, order } of orders) console.log(`${use.padEnd(34)} grows with the batch to the ${order}`);
  const report = {
    machine: machine(),
    date: new Date().toISOString().slice(0, 10),
    engine: "wasm",
    triplet,
    soft_triple: softTriple,
    orders,
  };
  writeFileSync(join(root, "bench", "results", "loss_memory.json"), `${JSON.stringify(report, null, 2)}\n`);
}
