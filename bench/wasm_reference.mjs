/**
 * Milliseconds a training step on the wasm engine, for two nets: the reference net of the design (conv 32/64, fc 64,
 * 28x28, batch 128, Adam) and the small embedding net of the examples (four conv blocks of width 32 with batch
 * normalisation, 32x32, batch 64, heads of 64). `cpu_ms` is processor time a step. The committed result is the least
 * of 24 runs on a machine that other work kept busy, as its load average says. Run after `npm run build`:
 *
 *   node bench/wasm_reference.mjs            prints, and writes bench/results/wasm_reference.json
 *   node bench/wasm_reference.mjs --profile  prints the time of each kernel instead
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import * as tf from "@tensorflow/tfjs-core";
import { startEngine } from "../dist/src/runtime/engine/index.js";
import { batchNormTraining } from "../dist/src/runtime/engine/fused.js";
import { machine, machineText } from "./machine.mjs";

const WARM_UP = 5;
const STEPS = 25;
const profile = process.argv.includes("--profile");
const engine = await startEngine("wasm");

/** @param {number[]} shape @param {number} deviation */
const parameter = (shape, deviation) => tf.variable(tf.randomNormal(shape, 0, deviation, "float32", 7));

/** @param {number} inputs @param {number} outputs */
const convolution = (inputs, outputs) => ({
  filter: parameter([3, 3, inputs, outputs], Math.sqrt(2 / (9 * inputs))),
  bias: tf.variable(tf.zeros([outputs])),
});

/** One-hot labels 0, 1, .., in turn. @param {number} samples @param {number} count */
const classes = (samples, count) =>
  tf.oneHot(
    tf.tensor1d(
      Array.from({ length: samples }, (_, i) => i % count),
      "int32",
    ),
    count,
  );

function referenceNet() {
  const first = convolution(1, 32);
  const second = convolution(32, 64);
  const dense = parameter([7 * 7 * 64, 64], 0.02);
  const proxies = parameter([64, 10], 0.1);
  const x = tf.randomNormal([128, 28, 28, 1], 0, 1, "float32", 1);
  const target = classes(128, 10);
  /** @param {tf.Tensor} h @param {{ filter: tf.Variable, bias: tf.Variable }} layer */
  const block = (h, layer) =>
    tf.maxPool(tf.relu(tf.add(tf.conv2d(h, layer.filter, 1, "same"), layer.bias)), 2, 2, "valid");
  return () => {
    const h = block(block(x, first), second);
    const logits = tf.matMul(tf.relu(tf.matMul(tf.reshape(h, [128, -1]), dense)), proxies);
    return crossEntropy(logits, target);
  };
}

function embeddingNet() {
  const layers = [1, 32, 32, 32].map((inputs) => ({
    filter: parameter([3, 3, inputs, 32], Math.sqrt(2 / (9 * inputs))),
    gamma: tf.variable(tf.ones([32])),
    beta: tf.variable(tf.zeros([32])),
  }));
  const heads = [0, 1, 2].map(() => ({
    weight: parameter([128, 64], 0.09),
    proxies: parameter([64, 16], 0.1),
  }));
  const x = tf.randomNormal([64, 32, 32, 1], 0, 1, "float32", 1);
  const target = classes(64, 16);
  return () => {
    let h = x;
    for (const { filter, gamma, beta } of layers) {
      const { y } = batchNormTraining(tf.conv2d(h, filter, 1, "same"), gamma, beta, 1e-5);
      h = tf.maxPool(tf.relu(y), 2, 2, "valid");
    }
    const features = tf.reshape(h, [64, -1]);
    return tf.addN(
      heads.map(({ weight, proxies }) =>
        crossEntropy(tf.matMul(tf.matMul(features, weight), proxies), target),
      ),
    );
  };
}

/** @param {tf.Tensor} logits @param {tf.Tensor} target */
function crossEntropy(logits, target) {
  return tf.mean(tf.sub(tf.logSumExp(logits, 1), tf.sum(tf.mul(logits, target), 1)));
}

/** Adam as tfjs has it. @param {() => tf.Scalar} loss */
function trainer(loss) {
  const optimizer = tf.train.adam(1e-3);
  return () => {
    const value = optimizer.minimize(loss, true);
    value?.dataSync();
    value?.dispose();
  };
}

/** @param {() => void} step */
function measure(step) {
  for (let i = 0; i < WARM_UP; i++) step();
  const before = process.cpuUsage();
  const times = Array.from({ length: STEPS }, () => {
    const from = performance.now();
    step();
    return performance.now() - from;
  });
  const { user, system } = process.cpuUsage(before);
  times.sort((a, b) => a - b);
  return {
    cpu_ms: round((user + system) / 1000 / STEPS),
    median_ms: round(times[STEPS >> 1]),
    fastest_ms: round(times[0]),
    slowest_ms: round(times.at(-1)),
  };
}

/** @param {number} ms */
const round = (ms) => Math.round(ms * 10) / 10;

/** Time in each kernel of one step, kernels called by kernels included. @param {() => void} step */
function profileStep(step) {
  const spent = new Map();
  for (const config of tf.getKernelsForBackend("wasm")) {
    const { kernelName, kernelFunc } = config;
    config.kernelFunc = (call) => {
      const from = performance.now();
      const result = kernelFunc(call);
      const key = [kernelName, ...Object.values(call.inputs).map((t) => `[${t?.shape}]`)].join(" ");
      spent.set(key, (spent.get(key) ?? 0) + performance.now() - from);
      return result;
    };
  }
  for (let i = 0; i < WARM_UP; i++) step();
  spent.clear();
  const from = performance.now();
  for (let i = 0; i < STEPS; i++) step();
  console.log(`  ${round((performance.now() - from) / STEPS)} ms a step`);
  const rows = [...spent].sort(([, a], [, b]) => b - a).slice(0, 30);
  for (const [key, ms] of rows) console.log(`  ${(ms / STEPS).toFixed(2).padStart(8)} ms  ${key}`);
}

const nets = {
  "reference: conv 32/64 + fc 64, 28x28x1, batch 128, Adam": referenceNet,
  "embedding: conv4 of width 32 with batch norm, three heads of 64, 32x32x1, batch 64, Adam": embeddingNet,
};
const results = {};
for (const [name, build] of Object.entries(nets)) {
  const step = trainer(build());
  console.log(name);
  if (profile) {
    profileStep(step);
  } else {
    results[name] = measure(step);
    console.log(
      `  ${results[name].median_ms} ms a step (median of ${STEPS}; processor time ${results[name].cpu_ms} ms)`,
    );
  }
}
if (!profile) {
  const date = new Date().toISOString().slice(0, 10);
  const report = {
    machine: machine(),
    load_average: round(loadavg()[0] ?? 0),
    date,
    engine: engine.description,
    threads: 1,
    results,
  };
  mkdirSync(new URL("results/", import.meta.url), { recursive: true });
  writeFileSync(
    new URL("results/wasm_reference.json", import.meta.url),
    `${JSON.stringify(report, null, 2)}\n`,
  );
  console.log(`${machineText(report)}, ${date}`);
}
