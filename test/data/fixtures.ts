/** Small data sets for the tests of this folder, made in memory. */
import { DataError } from "../../src/runtime/data/index.ts";
import type { Dataset } from "../../src/runtime/data/index.ts";

/** A data set whose classes `c000`, `c001`, … hold the given numbers of samples; sample s is an image full of byte s % 256. */
export function datasetOf(
  sizes: readonly number[],
  options: { name?: string; clusters?: readonly number[]; image?: readonly [number, number, number] } = {},
): Dataset {
  const image = options.image ?? [2, 2, 1];
  const labels = sizes.flatMap((size, label) => Array.from({ length: size }, () => label));
  const length = image[0] * image[1] * image[2];
  return {
    name: options.name ?? "toy",
    image,
    classNames: sizes.map((_, label) => `c${String(label).padStart(3, "0")}`),
    classClusters: Int32Array.from(options.clusters ?? sizes.map((_, label) => label)),
    labels: Int32Array.from(labels),
    sampleNames: labels.map((label, sample) => `${label}/${sample}`),
    pixels: Uint8Array.from({ length: labels.length * length }, (_, at) => Math.floor(at / length) % 256),
    notes: [],
  };
}

export function allIndices(dataset: Dataset): Int32Array {
  return Int32Array.from(dataset.labels, (_, sample) => sample);
}

/** The `DataError` that the call throws or rejects with. */
export async function dataError(call: () => unknown): Promise<DataError> {
  try {
    await call();
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
  throw new Error("expected a DataError");
}
