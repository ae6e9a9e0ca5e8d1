/** Random entries in linear systems, and random guards of clusterings: the compiled form equals the interpreter. */
import fc from "fast-check";
import { beforeAll, it } from "vitest";
import { startEngine } from "../../src/runtime/engine/index.ts";
import type { FormulaGenerator, Index } from "./formula_generator.ts";
import { compareFormulas } from "./random_formulas.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const OUTER: Index = { name: "o", kind: "sample" };
const DOMAINS = { sample: "batch", class: "classes", column: "dim" } as const;

/** A system whose matrix has a diagonal above the rest of its row, so that it is regular. */
function system(generator: FormulaGenerator, kind: keyof typeof DOMAINS): string {
  const [q, u]: Index[] = [
    { name: "q", kind },
    { name: "u", kind },
  ];
  const entry = generator.entry([OUTER, q!, u!]);
  const right = generator.entry([OUTER, q!]);
  const weight = generator.entry([OUTER, u!]);
  const solution = `solve[q in ${DOMAINS[kind]}, u in ${DOMAINS[kind]}](4 * (q == u) + 0.4 * tanh(${entry}), ${right})`;
  return `mean[o in batch] (sum[u in ${DOMAINS[kind]}] ${solution} * tanh(${weight}))`;
}

/** Clusters of the samples that a random number lets in, seen from another sample. */
function clustering(generator: FormulaGenerator, count: number): string {
  const guard = generator.entry([OUTER, { name: "p", kind: "sample" }]);
  const number = `kmeans[p | ${guard} > 0.0371](x[p], ${count})`;
  return `mean[o in batch] (sum[p in batch] (${number} == 1) * ${generator.entry([OUTER, { name: "p", kind: "sample" }])})`;
}

it("random systems and clusterings", () => {
  compareFormulas(
    fc.constantFrom<keyof typeof DOMAINS | number>("sample", "class", "column", 2, 3),
    (generator, form) => (typeof form === "number" ? clustering(generator, form) : system(generator, form)),
    { runs: 120, seed: 31 },
  );
});
