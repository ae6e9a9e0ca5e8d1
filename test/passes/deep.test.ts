/** Formulas as deep as the language lets them be: no pass walks a graph on the stack of the machine, none takes long. */
import { expect, it } from "vitest";
import { compileLoss, type CompileOptions } from "../../src/cli/compiled_loss.ts";
import { formula } from "../interpret/support.ts";

const LETS = 6;
const TERMS = 900;

/** `… + 2 * norm(x[i]) + 3 * norm(x[i]) + …`, thousands of operations one below the other. */
function deep(): ReturnType<typeof formula> {
  let factor = 2;
  const terms = (): string => Array.from({ length: TERMS }, () => `${factor++} * norm(x[i])`).join(" + ");
  const lets = Array.from({ length: LETS }, (_, k) => {
    const first = k === 0 ? "cosine(x[i], x[j])" : `f${k - 1}(i, j)`;
    return `let f${k}(i, j) = ${first} + ${terms()}`;
  });
  return formula(`mean[i, j | same(i, j)] f${LETS - 1}(i, j)`, lets.join("\n"));
}

const FORMS: Readonly<Record<string, CompileOptions>> = {
  "any labels": {},
  "sorted by class": { samples: 3, stack: true },
  "in blocks": { chunk: { batch: 1e5, classes: 1e5, blockBytes: 1000 } },
};

it.each(Object.entries(FORMS))("%s", (_, options) => {
  const { source } = compileLoss(deep(), [4], options);
  expect(source.split("\n").length).toBeGreaterThan((LETS * TERMS) / 4);
});
