/**
 * What sharing saves: twelve losses on one shared head against each of them alone, on the loss part of the step (values
 * and gradients by the embeddings and the losses' parameters), on the wasm engine, operation by operation and captured.
 * Two sets: `variants`, in which some losses are one loss with other settings, and `library`, twelve different losses
 * of the library. Batches of 4 samples a class; 100 classes, or as many as the batch has.
 *
 * Products with a loss's own class vectors belong to it alone. What the losses but the dearest have of them is measured
 * as a program (`own products`): the twelve cannot come below the dearest and that, which is the bound printed beside
 * the ratio. Work on pairs that only one loss does counts in no bound.
 *
 * Prints the tables and puts what it measured into bench/results/loss_sharing.json, in place of what was there for the
 * same set and size. Run after `npm run build`:
 *
 *   node bench/loss_sharing.mjs [--set variants|library] [--rounds 30] [--sizes 64x64,…]   (batch x width)
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
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
  options: {
    set: { type: "string", default: "variants" },
    rounds: { type: "string", default: "30" },
    sizes: { type: "string", default: "64x64,64x256,128x64,256x64,512x64,256x512,512x512" },
  },
});
const SETS = {
  variants: {
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
  },
  library: {
    contrastive: "contrastive(margin: 0.5)",
    triplet: "triplet(margin: 0.2)",
    multi_similarity: "multi_similarity()",
    circle: "circle()",
    supcon: "supcon()",
    margin: "margin()",
    histogram: "histogram()",
    smooth_ap: "smooth_ap()",
    proxy_anchor: "proxy_anchor()",
    normalized_softmax: "normalized_softmax()",
    arcface: "arcface(margin: 11deg, scale: 24)",
    soft_triple: "soft_triple()",
  },
};
const LOSSES = SETS[options.set];
if (LOSSES === undefined) throw new Error(`--set is one of ${Object.keys(SETS).join(", ")}`);
/** For each loss with class vectors of its own, the product with them and little else. */
const OWN_PRODUCTS = {
  proxy_anchor: "own_products()",
  normalized_softmax: "own_products()",
  arcface: "own_products()",
  soft_triple: "own_products(centers: 10)",
};
const SAMPLES = 4;
const CLASSES = 100;

const spec = (losses, { batch, width }) => `
loss own_products(centers: int >= 1 = 1) {
  param w: real[classes, centers, dim] = kaiming_normal() { lr: 1e-2 }
  mean[i, k in classes, c in centers] cosine(x[i], w[k, c])^2
}
dataset icons = icon_sets() { split: zero_shot(train: 0.5) }
model m {
  data: icons
  backbone: conv4()
  embedding: shared linear(${width}) |> normalize
  losses { ${Object.entries(losses)
    .map(([name, loss]) => `${name}: ${loss}`)
    .join("\n")} }
  combine: ${Object.keys(losses).join(" + ")}
  train { batch: ${batch / SAMPLES} classes * ${SAMPLES} samples  steps: 1 }
}
`;

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
  const params = program
    .parameters(sizes)
    .filter(({ name, trainable }) => name.startsWith("losses/") && trainable);
  const fixed = program
    .parameters(sizes)
    .filter(({ name, trainable }) => name.startsWith("losses/") && !trainable)
    .map(({ name, shape }) => [name, tf.ones([...shape])]);
  const values = params.map(({ shape }) => normal([...shape]));
  const { name: head } = program.heads[0];
  const gradients = (labelsNow, inputs) =>
    tf.grads((...given) => {
      const byName = new Map([...fixed, ...params.map(({ name }, k) => [name, given[k + 1]])]);
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
  return {
    eager: arm(gradients),
    captured: arm(captured),
    dispose() {
      captured.dispose();
      tf.dispose([rows, labels, values, fixed.map(([, value]) => value)]);
    },
  };
}

const lowQuintile = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 5)];
const round = (value) => Number(value.toFixed(3));
const notes = new Set();

/** Runs a function at least five times, and then until it has run 100 times or for a fifth of a second. */
function warmUp(run) {
  const start = performance.now();
  for (let k = 0; k < 100 && (k < 5 || performance.now() - start < 200); k++) run();
}

/** Milliseconds of programs at one size: measured in turn, so that a machine that slows down slows all of them. */
async function timed(programs, size, engine) {
  const arms = [];
  for (const { name, losses } of programs) {
    const part = lossPart(await programOf(spec(losses, size)), size, engine.recorder);
    arms.push({ name, ...part, eagerTimes: [], capturedTimes: [] });
  }
  for (const arm of arms) {
    warmUp(arm.eager);
    warmUp(arm.captured);
  }
  for (let k = 0; k < Number(options.rounds); k++) {
    for (const arm of arms) {
      for (const [run, times] of [
        [arm.eager, arm.eagerTimes],
        [arm.captured, arm.capturedTimes],
      ]) {
        // Once untimed before, as in a training loop.
        run();
        const start = performance.now();
        run();
        times.push(performance.now() - start);
      }
    }
  }
  for (const arm of arms) arm.dispose();
  return arms.map(({ name, eagerTimes, capturedTimes }) => ({
    name,
    eager_ms: round(lowQuintile(eagerTimes)),
    captured_ms: round(lowQuintile(capturedTimes)),
  }));
}

/** Each loss, all twelve, and the products that the losses but one with such products cannot share. */
async function measure(size, engine) {
  const single = Object.entries(LOSSES).map(([name, loss]) => ({ name, losses: { [name]: loss } }));
  const owning = Object.keys(LOSSES).filter((name) => Object.hasOwn(OWN_PRODUCTS, name));
  const ownBut = (left) =>
    Object.fromEntries(owning.filter((name) => name !== left).map((name) => [name, OWN_PRODUCTS[name]]));
  // Which loss is dearest is known only afterwards: with or without class vectors of its own.
  const bounds = [undefined, ...owning].map((left) => ({
    name: left === undefined ? "own products" : `own products but of ${left}`,
    losses: ownBut(left),
  }));
  const programs = [...single, { name: "all twelve", losses: LOSSES }, ...bounds];
  const results = await timed(programs, size, engine);
  const alone = results.slice(0, single.length);
  const all = results[single.length];
  const products = results.slice(single.length + 1);
  const ratios = (key) => {
    const dearest = alone.reduce((a, b) => (a[key] > b[key] ? a : b));
    const beside = products[owning.indexOf(dearest.name) + 1];
    return {
      dearest: dearest.name,
      to_dearest: round(all[key] / dearest[key]),
      bound: round((dearest[key] + beside[key]) / dearest[key]),
      to_sum: round(all[key] / alone.reduce((sum, each) => sum + each[key], 0)),
    };
  };
  return {
    ...size,
    results: [...alone, all],
    own_products: products,
    eager: ratios("eager_ms"),
    captured: ratios("captured_ms"),
    load_average: round(loadavg()[0] ?? 0),
    date: new Date().toISOString().slice(0, 10),
  };
}

function print({ batch, width, results, own_products: products, ...ratios }) {
  console.log(`\n${options.set}, batch ${batch}, width ${width}: ms as it is, captured`);
  for (const { name, eager_ms: eager, captured_ms: captured } of [...results, ...products])
    console.log(
      `${name.padEnd(40)}${eager.toFixed(2).padStart(8)}${captured.toFixed(3).padStart(9)}` +
        `${(eager / captured).toFixed(1).padStart(7)}x`,
    );
  for (const key of ["eager", "captured"]) {
    const { dearest, to_dearest: toDearest, bound, to_sum: toSum } = ratios[key];
    console.log(`${key}: all / dearest (${dearest}) ${toDearest}, at least ${bound}; all / sum ${toSum}`);
  }
}

/** Puts one size of the set into the file of results. */
function keep(entry, engine) {
  const path = join(root, "bench", "results", "loss_sharing.json");
  const before = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
  const others = (before.sets?.[options.set] ?? []).filter(
    ({ batch, width }) => batch !== entry.batch || width !== entry.width,
  );
  const own = [...others, entry].sort((a, b) => a.width - b.width || a.batch - b.batch);
  const report = {
    machine: machine(),
    engine: engine.description,
    samples_per_class: SAMPLES,
    classes: `${CLASSES}, or as many as the batch has`,
    sets: { ...before.sets, [options.set]: own },
  };
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
}

const engine = await startEngine("wasm");
for (const text of options.sizes.split(",")) {
  const [batch, width] = text.split("x").map(Number);
  const entry = await measure({ batch, width }, engine);
  print(entry);
  keep(entry, engine);
}
if (notes.size > 0) console.log(`\n${[...notes].join("\n")}`);
