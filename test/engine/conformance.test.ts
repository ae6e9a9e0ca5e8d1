/**
 * One suite for all engines: the same spec with the same seed gives the same training curve on every engine that is
 * present, step by step or captured. The reference is the wasm engine, operation by operation. An engine that is not
 * there is skipped, with the reason printed.
 *
 * Tolerances. Engines add in other orders, and a step of training magnifies what that makes: the values of step 1, where
 * parameters are the same bit by bit, agree to FIRST; those of step t to FIRST + GROWTH · t, relative to the largest of the
 * values of their kind so far. Parameters after the last step agree in the mean square to the same bound. A spec may say
 * that its losses magnify more.
 */
import { describe, expect, test } from "vitest";
import * as tf from "@tensorflow/tfjs-core";
import type { Recorder } from "../../src/runtime/engine/capture/recorder.ts";
import { type EngineName, engineChoices, startEngine } from "../../src/runtime/engine/index.ts";
import type { Program } from "../../src/runtime/program.ts";
import type { ReadValues } from "../../src/runtime/train/values.ts";
import { type Curve, curve } from "./curve.ts";
import { magnification, programOf, specNames } from "./conformance_specs.ts";

const STEPS = 20;
const FIRST = 3e-5;
const GROWTH = 2e-5;

interface Way {
  readonly name: string;
  readonly backend: string;
  readonly recorder: Recorder | undefined;
}

/** Engines that start, each operation by operation and, where it can, captured. */
async function waysPresent(): Promise<Way[]> {
  const ways: Way[] = [];
  for (const engine of engineChoices.filter((choice): choice is EngineName => choice !== "auto")) {
    try {
      const { recorder, description } = await startEngine(engine);
      console.info(`${engine}: ${description}`);
      const backend = tf.getBackend();
      ways.push({ name: engine, backend, recorder: undefined });
      if (recorder !== undefined) ways.push({ name: `${engine}, captured`, backend, recorder });
    } catch (error) {
      console.info(`${engine} is skipped: ${(error as Error).message}`);
    }
  }
  return ways;
}

const ways = await waysPresent();
const reference = ways.find(({ name }) => name === "wasm")!;
const others = ways.filter((way) => way !== reference);

describe.each(specNames)("%s", (spec) => {
  let program: Program;
  let expected: Curve;

  test("on wasm: the values are finite, and training moves the parameters", async () => {
    program = await programOf(spec);
    expected = await on(reference, program);
    for (const values of expected.steps) {
      for (const [name, value] of entries(values)) expect(value, name).toSatisfy(Number.isFinite);
    }
    const [first, last] = [expected.steps[0]!, expected.steps.at(-1)!];
    expect(last.total).not.toBe(first.total);
  });

  test.each(others)("on $name", { timeout: 300_000 }, async (way) => {
    const got = await on(way, program);
    expect(flat(got.tensors), `tensors alive after each step: ${got.tensors.join(" ")}`).toBe(true);
    compare(expected, got, GROWTH * magnification(spec));
  });
});

async function on({ backend, recorder }: Way, program: Program): Promise<Curve> {
  await tf.setBackend(backend);
  return curve(program, STEPS, recorder);
}

/** All values of a step by name. */
function entries({ total, losses, weights, groups, gradientNorm }: ReadValues): [string, number][] {
  const part = (label: string, values: Readonly<Record<string, number>> = {}): [string, number][] =>
    Object.entries(values).map(([name, value]) => [`${label} ${name}`, value]);
  return [
    ["total", total],
    ["gradient norm", gradientNorm],
    ...part("loss", losses),
    ...part("weight", weights),
    ...part("group", groups),
  ];
}

function compare(expected: Curve, got: Curve, growth: number): void {
  const largest = new Map<string, number>();
  expected.steps.forEach((step, index) => {
    const have = new Map(entries(got.steps[index]!));
    for (const [name, want] of entries(step)) {
      const scale = Math.max(largest.get(name) ?? 1e-3, Math.abs(want));
      largest.set(name, scale);
      const off = Math.abs(have.get(name)! - want) / scale;
      expect(off, `${name} at step ${index + 1}: ${have.get(name)} instead of ${want}`).toBeLessThanOrEqual(
        FIRST + growth * index,
      );
    }
  });
  for (const [name, want] of expected.last) {
    const have = got.last.get(name)!;
    const square = (values: Float32Array): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
    const off = square(want.map((v, k) => v - have[k]!)) / Math.max(square(want), 1e-3);
    expect(off, `${name} after step ${STEPS}`).toBeLessThanOrEqual(FIRST + growth * STEPS);
  }
}

/** Whether no tensor was left behind once the first steps had made what is kept (recordings, constants). */
function flat(tensors: readonly number[]): boolean {
  const later = tensors.slice(STEPS / 2);
  return later.every((count) => count === later[0]);
}
