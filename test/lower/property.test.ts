/** Random formulas on random batches: the compiled form equals the interpreter. */
import fc from "fast-check";
import { beforeAll, it } from "vitest";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { compareFormulas } from "./random_formulas.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

it("random formulas", () => {
  compareFormulas(fc.constant(undefined), (generator) => generator.body(), { runs: 300, seed: 20 });
});
