/**
 * Every loss of the standard library at the edges of float32, on every engine that is present: similarities of 1 and -1
 * and within rounding of them, embeddings of length 1e-6 and 100, scales of 256. Values and gradients are finite, and
 * those of the interpreter.
 *
 * Tolerances. The value agrees to 2e-5, a gradient to 1e-2 of its largest element and 1e-5: where embeddings coincide up
 * to rounding, the direction between two of them is rounding as well, and a saturated softmax or sigmoid leaves a gradient
 * that is the rounding of 1 less nearly 1. Beside these, 8 times what rounding the inputs otherwise makes of the exact
 * answer. A loss that assumes unit length is asked only for finite numbers on embeddings that have another.
 */
import { beforeAll, describe, expect, it } from "vitest";
import * as tf from "@tensorflow/tfjs-core";
import { interpretLoss } from "../../src/interpret/index.ts";
import type { LossInstance } from "../../src/resolve/values.ts";
import type { Answers, Batch } from "../lower/support.ts";
import { compiled, expectEqualAnswers } from "../lower/support.ts";
import { atScale256, batchNames, everyLoss, instanceOf, smallBatch } from "./extremes.ts";
import { waysPresent } from "./ways.ts";

const TOLERANCE = {
  relative: 2e-5,
  absolute: 1e-6,
  conditioned: 8,
  gradients: { relative: 1e-2, absolute: 1e-5 },
};

const finite = (data: ArrayLike<number>): boolean => Array.from(data).every(Number.isFinite);

const assumesUnit = ({ declaration }: LossInstance): boolean =>
  declaration.assumes.some((each) => each.kind === "Call" && each.callee.text === "unit");

const ways = await waysPresent();

describe.each(ways)("on $name", ({ backend }) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  describe.each([...everyLoss, ...atScale256])("%s", (use) => {
    const instance = instanceOf(use);
    it.each(batchNames)("%s", async (name) => {
      const batch = smallBatch(instance, name);
      const answers = await answersTo(instance, batch);
      expectFinite(answers);
      if (!(name.startsWith("embeddings of length") && assumesUnit(instance)))
        expectEqualAnswers(answers, instance, batch, TOLERANCE);
    });
  });
});

async function answersTo(instance: LossInstance, batch: Batch): Promise<Answers> {
  const dims = batch.views.map(({ columns }) => columns);
  return {
    interpreted: interpretLoss(instance, batch, { gradient: true }),
    compiled: await compiled(instance, dims).evaluateAsync(batch),
  };
}

function expectFinite(answers: Answers): void {
  for (const { value, gradient } of [answers.interpreted, answers.compiled]) {
    expect(value).toSatisfy(Number.isFinite);
    for (const slopes of [...gradient!.views, ...gradient!.params.values()])
      expect(finite(slopes)).toBe(true);
  }
}
