/**
 * The standard library's losses and miners against golden values of pytorch-metric-learning
 * (test/golden/pml: generate.py, generate_pairs.py, generate_classes.py); what that library has not, against definitions
 * there. docs/reference_values.md lists what is covered, and every deliberate departure with its reason.
 */
import { describe, expect, it } from "vitest";
import { interpretLoss } from "../../src/interpret/index.ts";
import { answered, batchOf, goldens, lossOf, partsOf, share } from "../golden/read.ts";
import { miner } from "./support.ts";

it("has golden files", () => expect(goldens.length).toBeGreaterThanOrEqual(50));

for (const golden of goldens)
  describe(golden.name, () => {
    for (const each of golden.cases)
      it(`${each.use}${each.on === undefined ? "" : ` on ${each.on}`}, ${each.batch}`, () => {
        const options = { gradient: true, ...(each.on === undefined ? {} : { miner: miner(each.on) }) };
        const answer = interpretLoss(lossOf(each), batchOf(golden, each), options);
        for (const part of partsOf(each))
          expect(share(answered(answer, part), part.golden), part.name).toBeLessThanOrEqual(1e-9);
      });
  });
