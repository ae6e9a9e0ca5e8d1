/**
 * Whether batches are there when a step wants them: the share of training time that goes to steps rather than to
 * waiting for batches, in whole runs of `dmlc run`, with threads and without. Two tasks: the icon example, and a folder
 * of JPEG files at 224x224 that is made here, once decoded in memory and once read from its files all the time
 * (`DMLC_IMAGE_MEMORY=1`). Writes bench/results/input_pipeline.json. Run after `npm run build`:
 *
 *   node bench/input_pipeline.mjs [--engine tensorflow] [--steps 1000]
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { machine } from "./machine.mjs";

const { values: options } = parseArgs({
  options: {
    engine: { type: "string", default: "tensorflow" },
    steps: { type: "string", default: "1000" },
  },
});
const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "dmlc-bench-"));

/** Classes of blurred noise, each around a noise of its own. */
async function makePhotos(classes, each) {
  const size = 256;
  for (let k = 0; k < classes; k++) {
    mkdirSync(join(folder, "photos", `class_${k}`), { recursive: true });
    for (let i = 0; i < each; i++) {
      const pixels = Buffer.alloc(48 * 48 * 3);
      for (let p = 0; p < pixels.length; p++) {
        pixels[p] = (Math.imul(p + 1, 2654435761 + 7919 * k) >>> 24) * 0.8 + Math.random() * 50;
      }
      await sharp(pixels, { raw: { width: 48, height: 48, channels: 3 } })
        .resize(size, size)
        .jpeg({ quality: 90 })
        .toFile(join(folder, "photos", `class_${k}`, `${i}.jpg`));
    }
  }
  writeFileSync(
    join(folder, "photos.dml"),
    `dataset photos = folder("photos") {
  image: rgb(224x224)
  split: zero_shot(train: 0.8)
  augment: affine(rotate: 10deg, scale: 0.1, shift: 0.1) |> flip
}
model photos {
  data: photos
  backbone: conv4(width: 16)
  losses { near: contrastive(margin: 0.5) with linear(64) |> normalize }
  train { batch: 8 classes * 4 samples  steps: 60 }
  evaluate { recall_at: [1] }
}
`,
  );
}

function run(spec, steps, environment) {
  const out = join(folder, "run");
  const args = [
    "run",
    spec,
    "--engine",
    options.engine,
    "--steps",
    `${steps}`,
    "--out",
    out,
    "--format",
    "json",
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, [path("../bin/dmlc.js"), ...args], {
    encoding: "utf8",
    env: { ...process.env, ...environment },
  });
  if (status !== 0) throw new Error(stderr.slice(-2000));
  const { timing } = JSON.parse(stdout);
  const training = timing.training_seconds - timing.validation_seconds;
  return {
    ms_per_step: Math.round(timing.ms_per_step * 10) / 10,
    waiting_ms_per_step: Math.round((1e5 * timing.batch_seconds) / steps) / 100,
    in_the_step: Math.round(1e4 * (1 - timing.batch_seconds / training)) / 1e4,
  };
}

try {
  await makePhotos(15, 24);
  const icons = path("../examples/icons.dml");
  const photos = join(folder, "photos.dml");
  const steps = Number(options.steps);
  const tasks = [
    ["icons, 32x32, batch 64", icons, steps, {}],
    ["folder, 224x224, batch 32, decoded in memory", photos, Math.ceil(steps / 15), {}],
    ["folder, 224x224, batch 32, read from files", photos, Math.ceil(steps / 15), { DMLC_IMAGE_MEMORY: "1" }],
  ];
  const results = {};
  for (const [name, spec, count, environment] of tasks) {
    results[name] = {
      threads: run(spec, count, environment),
      none: run(spec, count, { ...environment, DMLC_DATA_THREADS: "0" }),
    };
    const { threads, none } = results[name];
    const percent = ({ in_the_step }) => `${(100 * in_the_step).toFixed(1)}%`;
    console.log(
      `${name}: ${percent(threads)} of the time in the step (${threads.ms_per_step} ms a step, ` +
        `${threads.waiting_ms_per_step} ms waiting); without threads ${percent(none)} (${none.ms_per_step} ms)`,
    );
  }
  const report = {
    machine: machine(),
    date: new Date().toISOString().slice(0, 10),
    engine: options.engine,
    load_average: Math.round(loadavg()[0] * 10) / 10,
    results,
  };
  writeFileSync(path("results/input_pipeline.json"), `${JSON.stringify(report, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
