/**
 * Recall@K and MAP@R of embeddings on this project's side, as an evaluation computes them. A process of its own, started
 * by `../versus_faiss.mjs`; prints one line of JSON.
 *
 *   node bench/versus/our_search.mjs EMBEDDINGS.f32 LABELS.i32 N DIM ENGINE
 */
import { readFileSync } from "node:fs";
import { startEngine } from "../../dist/src/runtime/engine/index.js";
import { evaluateEmbeddings } from "../../dist/src/runtime/evaluate/evaluate.js";

const [embeddingsFile, labelsFile, n, dim, engineName] = process.argv.slice(2);
const whole = (file) => readFileSync(file);
const bytes = whole(embeddingsFile);
const embeddings = new Float32Array(bytes.buffer, bytes.byteOffset, Number(n) * Number(dim));
const labelBytes = whole(labelsFile);
const labels = new Int32Array(labelBytes.buffer, labelBytes.byteOffset, Number(n));
const engine = await startEngine(engineName);
const settings = { recallAt: [1, 2, 4, 8], mapAtR: true, rPrecision: false, nmi: false };
const from = performance.now();
const metrics = await evaluateEmbeddings(embeddings, Number(dim), labels, settings, 1, "embeddings");
const seconds = (performance.now() - from) / 1000;
const peak_mb = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(JSON.stringify({ seconds, ...metrics, peak_mb, engine: engine.description }));
process.exit(0);
