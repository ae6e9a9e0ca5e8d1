/**
 * Random ill-typed formulas: a well-typed one in which one number has become something that no number can be always
 * gets a diagnostic.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { checkText } from "../../src/compile.ts";
import { FormulaGenerator, STATEMENTS } from "../lower/formula_generator.ts";
import { host } from "./harness.ts";

/** Each is wrong wherever a number is meant, whatever stands around it. */
const WRONG: Readonly<Record<string, string>> = {
  "an unknown name": "nowhere",
  "an unknown function": "tanhh(0.1)",
  "a number as a condition": "(if 0.5 then 1.5 else 2.5)",
  "a number negated as a condition": "(1 * (not 1.5))",
  "a conjunction of numbers": "(1 * (1.5 and 2.5))",
  "a chain of comparisons": "(1 * (0.1 < 0.2 < 0.3))",
  "an argument too many": "relu(0.1, 0.2)",
  "an argument too few": "max(0.1)",
  "a definition without its argument": "pushed()",
  "a definition with an argument too few": "(sum[q in batch] d(q))",
  "a length of a number": "norm(0.3)",
  "a similarity of numbers": "cosine(0.1, 0.2)",
  "a prefix of a number": "prefix(0.1, 2)",
  "a class as a sample": "(sum[q in classes] norm(x[q]))",
  "a sample as a class": "(sum[q in batch] b[q])",
  "a class as a component": "(sum[q in batch, k in classes] x[q, k])",
  "a pair with a class": "(sum[q in batch, k in classes | same(q, k)] 1.5)",
  "an index too many": "(sum[q in batch, t in dim, r in dim] x[q, t, r])",
  "an index that is no whole number": "b[0.5]",
  "an index of a number": "(sum[q in batch] batch[q])",
  "a guard that is a number": "(sum[q in batch | 0.5] norm(x[q]))",
  "an index of no range": "(sum[q] 2.5)",
  "a reduction without indices": "logsumexp(0.1)",
  "a loss as a number": "arcface",
};

const NUMBER = /\b(?:0\.371|1\.29|2\.137|0\.083)\b/g;

/** A formula need not use every parameter that it is given. */
const UNUSED = "DML0308";

function errorsOf(body: string): string[] {
  const text = `loss probe() {\n${STATEMENTS}\n${body}\n}\n`;
  const { diagnostics } = checkText(host({}), { path: "probe.dml", text, standard: false });
  return diagnostics
    .filter(({ severity, code }) => severity === "error" && code !== UNUSED)
    .map(({ code, message }) => `${code} ${message}`);
}

it.each(Object.entries(WRONG))("%s", (_, wrong) => {
  let tried = 0;
  fc.assert(
    fc.property(fc.gen(), fc.nat(), (draw, place) => {
      const body = new FormulaGenerator((max) => draw(fc.nat, { max })).body();
      const numbers = [...body.matchAll(NUMBER)];
      if (numbers.length === 0) return;
      const { 0: number, index } = numbers[place % numbers.length]!;
      const broken = `${body.slice(0, index)}${wrong}${body.slice(index + number.length)}`;
      // The interpreter takes more than the checker lets through: a component by its number.
      if (errorsOf(body).length > 0) return;
      expect(errorsOf(broken), broken).not.toEqual([]);
      tried++;
    }),
    { numRuns: 40, seed: 7, endOnFailure: true },
  );
  expect(tried).toBeGreaterThan(4);
});
