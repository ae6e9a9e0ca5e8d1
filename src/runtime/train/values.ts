/** Reading a step's values back: the one place where training waits for the engine. */
import * as tf from "@tensorflow/tfjs-core";
import type { StepValues } from "./step.ts";

/** A step's values as numbers: see `StepValues`. */
export interface ReadValues {
  readonly total: number;
  readonly losses: Readonly<Record<string, number>>;
  readonly weights: Readonly<Record<string, number>>;
  readonly groups?: Readonly<Record<string, number>>;
  readonly gradientNorm: number;
}

/** Reads all values of a step at once. */
export async function readValues(values: StepValues): Promise<ReadValues> {
  const losses = Object.entries(values.losses);
  const weights = Object.entries(values.weights);
  const groups = Object.entries(values.groups ?? {});
  const scalars = [
    values.total,
    values.gradientNorm,
    ...losses.map(([, v]) => v),
    ...weights.map(([, v]) => v),
    ...groups.map(([, v]) => v),
  ];
  const packed = tf.stack(scalars);
  const [total, gradientNorm, ...rest] = Array.from(await packed.data());
  packed.dispose();
  const after = losses.length + weights.length;
  return {
    total: total!,
    gradientNorm: gradientNorm!,
    losses: Object.fromEntries(losses.map(([name], i) => [name, rest[i]!])),
    weights: Object.fromEntries(weights.map(([name], i) => [name, rest[losses.length + i]!])),
    ...(groups.length === 0
      ? {}
      : { groups: Object.fromEntries(groups.map(([name], i) => [name, rest[after + i]!])) }),
  };
}

/** Whether every value is a finite number. */
export function allFinite(values: ReadValues): boolean {
  return [values.total, values.gradientNorm, ...Object.values(values.losses)].every(Number.isFinite);
}

/** Disposes of a step's values. */
export function disposeValues(values: StepValues): void {
  tf.dispose([
    values.total,
    values.gradientNorm,
    { ...values.losses },
    { ...values.weights },
    { ...values.groups },
  ]);
}
