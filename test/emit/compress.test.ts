/** Emission of `compress` and of `inference: fit(validation)`, from specs. */
import { expect, test } from "vitest";
import { checkFile, emitModel } from "../../src/compile.ts";
import { host } from "../check/harness.ts";

async function emitted(embedding: string, combine: string, compress: string): Promise<string> {
  const text = `
dataset images = folder("images") { image: gray(12x12), split: zero_shot(train: 0.5, validation: 0.1) }
model small {
  data: images
  backbone: conv(4, kernel: 3) |> relu |> max_pool(2)
  embedding: ${embedding}
  losses { a: multi_similarity()  b: arcface() with flatten |> linear(4) }
  combine: ${combine}
  compress: ${compress}
}`;
  const { diagnostics, models } = checkFile(host({ "spec.dml": text }), "spec.dml")!;
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  expect(errors.map(({ message }) => message)).toEqual([]);
  const identity = { specFile: "spec.dml", specHash: "0".repeat(64), compiler: "dmlc" };
  const result = await emitModel(models[0]!, identity);
  if (!("text" in result)) throw new Error(JSON.stringify(result.diagnostics));
  return result.text.replace(/\s+/g, " ").replace(/, }/g, " }");
}

const LINEAR = 'fold: { linear: ["heads/a/0.linear", "heads/b/1.linear"] }';

test.each([
  ["linear(8)", "distances(to: 5)", '{ kind: "distances", to: 5 }'],
  ["linear(8)", "distances(to: 5, metric: stress)", '{ kind: "distances", to: 5, metric: "stress" }'],
  ["linear(8)", "distances(to: 5, fold: true)", `{ kind: "distances", to: 5, ${LINEAR} }`],
  [
    "linear(8)",
    "distances(to: 5, fold: true, blend: 0.5)",
    `{ kind: "distances", to: 5, ${LINEAR}, blend: 0.5 }`,
  ],
  ["linear(8) |> normalize", "distances(to: 5, fold: true)", '{ kind: "distances", to: 5, fold: {} }'],
  ["linear(8) |> batch_norm", "distances(to: 5, fold: true)", '{ kind: "distances", to: 5, fold: {} }'],
  ["linear(8)", "distilled(to: 5, steps: 40 steps)", '{ kind: "distilled", to: 5, hidden: 256, steps: 40 }'],
])("%s, %s", async (embedding, compress, expected) => {
  const text = await emitted(embedding, "equal(a, b)", compress);
  expect(text).toContain(`compress: ${expected}`);
  expect(text).not.toContain("inference");
});

test("weights that are fitted leave the program's own alone", async () => {
  const text = await emitted("linear(8)", "learned(a, b, inference: fit(validation))", "distances(to: 5)");
  expect(text).toContain('inference: { kind: "fit" }');
  expect(text).not.toContain("headWeights");
});
