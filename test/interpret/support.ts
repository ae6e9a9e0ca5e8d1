/** Losses from the standard library or from text, and batches, for the interpreter's tests. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Diagnostics } from "../../src/diagnostics/diagnostic.ts";
import type { LossBatch, Tensor } from "../../src/interpret/index.ts";
import { paramShapes } from "../../src/interpret/index.ts";
import { instantiateLoss, instantiateMiner } from "../../src/resolve/bind.ts";
import { memoryHost } from "../../src/resolve/host.ts";
import { loadText } from "../../src/resolve/modules.ts";
import type { LossInstance, MinerInstance } from "../../src/resolve/values.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import type { SourceFile } from "../../src/source/source.ts";
import type { Expression } from "../../src/syntax/ast.ts";

const library = fileURLToPath(new URL("../../stdlib/", import.meta.url));
const standardLibrary: SourceFile[] = readdirSync(library, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".dml"))
  .sort()
  .map((path) => ({ path: `stdlib/${path}`, text: readFileSync(library + path, "utf8"), standard: true }));
const host = memoryHost({}, standardLibrary);

/** The use `contrastive(margin: 0.5)` in a file that declares `text`. */
function bound(text: string, use: string, kind: "loss" | "miner"): LossInstance | MinerInstance {
  const diagnostics = new Diagnostics();
  // A measure's body is any expression: it carries the use through the parser.
  const carrier = `distance carrier(u, v) = ${use}\n`;
  const module = loadText(
    host,
    { path: "test.dml", text: `${text}\n${carrier}`, standard: false },
    diagnostics,
  );
  const declaration = module.file.declarations.find((each) => each.name.text === "carrier");
  const expression = (declaration as { body: Expression }).body;
  const make = kind === "loss" ? instantiateLoss : instantiateMiner;
  const instance = make(expression, module.scope, new Map(), diagnostics);
  if (diagnostics.all.length > 0) throw new Error(diagnostics.all.map((each) => each.message).join("\n"));
  return instance!;
}

export function loss(use: string, text = ""): LossInstance {
  return bound(text, use, "loss") as LossInstance;
}

export function miner(use: string, text = ""): MinerInstance {
  return bound(text, use, "miner") as MinerInstance;
}

/** A loss whose whole body is `body`, with the statements before it. */
export function formula(body: string, statements = "", header = ""): LossInstance {
  return loss("probe", `loss probe()${header} {\n${statements}\n${body}\n}`);
}

/** One view from its rows. */
export function batchOf(
  rows: readonly (readonly number[])[],
  labels: readonly number[],
  classes = 0,
): LossBatch {
  const columns = rows[0]!.length;
  return {
    views: [{ rows: rows.length, columns, data: Float64Array.from(rows.flat()) }],
    labels,
    classes: Math.max(classes, ...labels.map((label) => label + 1)),
  };
}

export interface RandomBatch {
  readonly seed?: number;
  readonly classes: number;
  readonly samples: number;
  readonly dim: number;
  readonly views?: number;
  readonly unit?: boolean;
}

/** Random embeddings of `classes` × `samples`, with random parameters for the loss. */
export function randomBatch(instance: LossInstance, shape: RandomBatch): LossBatch {
  const { classes, samples, dim, seed = 1, views = 1 } = shape;
  const random = counterRandom(seed, "test");
  const rows = classes * samples;
  const draw = (length: number): Float64Array => Float64Array.from({ length }, () => random.normal());
  return {
    views: Array.from({ length: views }, () => {
      const data = draw(rows * dim);
      if (shape.unit !== false) normalizeRows(data, dim);
      return { rows, columns: dim, data };
    }),
    labels: Array.from({ length: rows }, (_, i) => Math.floor(i / samples)),
    classes,
    params: randomParams(instance, classes, dim, seed),
  };
}

export function randomParams(
  instance: LossInstance,
  classes: number,
  dim: number,
  seed = 1,
): Map<string, Tensor> {
  const params = new Map<string, Tensor>();
  for (const [name, shape] of paramShapes(instance, { classes, dim })) {
    const random = counterRandom(seed, `params/${name}`);
    const length = shape.reduce((product, n) => product * n, 1);
    params.set(name, { shape, data: Float64Array.from({ length }, () => random.normal()) });
  }
  return params;
}

function normalizeRows(data: Float64Array, dim: number): void {
  for (let row = 0; row < data.length; row += dim) {
    const length = Math.hypot(...data.subarray(row, row + dim));
    for (let t = 0; t < dim; t++) data[row + t] = data[row + t]! / length;
  }
}
