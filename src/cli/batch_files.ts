/** Batches and parameters from `.npy` files, for `dmlc try`. */
import { readFileSync } from "node:fs";
import type { LabelSet, Matrix, Tensor } from "../interpret/index.ts";
import { readNpy } from "../runtime/report/npy.ts";
import { CommandError, EXIT } from "./exit.ts";

/** The array of a file; ends the command with exit code 2 if it cannot be had. */
function readArray(path: string): Tensor {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new CommandError(EXIT.usage, `cannot read ${path}: ${said(error)}`);
  }
  try {
    return readNpy(bytes);
  } catch (error) {
    throw new CommandError(
      EXIT.usage,
      `${path}: ${said(error)}`,
      "Save it with numpy.save, as float32 or float64.",
    );
  }
}

/** Embeddings [B, d]. */
export function readEmbeddings(path: string): Matrix {
  const { shape, data } = readArray(path);
  const [rows, columns] = shape;
  if (shape.length !== 2 || rows === undefined || columns === undefined || rows === 0 || columns === 0)
    throw new CommandError(
      EXIT.usage,
      `${path} has shape [${shape.join(", ")}], and embeddings are [samples, dimensions]`,
    );
  return { rows, columns, data };
}

/** Class indices [B]. */
export function readLabels(path: string, samples: number): number[] {
  const { shape, data } = readArray(path);
  if (shape.length !== 1 || shape[0] !== samples)
    throw new CommandError(
      EXIT.usage,
      `${path} has shape [${shape.join(", ")}], and ${samples} embeddings need labels of shape [${samples}]`,
    );
  const wrong = data.find((label) => !Number.isInteger(label) || label < 0);
  if (wrong !== undefined)
    throw new CommandError(EXIT.usage, `${path} holds ${wrong}, and labels are class indices from 0`);
  return [...data];
}

/** `--param NAME=FILE.npy`, each given once. */
export function readParams(settings: readonly string[]): Map<string, Tensor> {
  return byName(settings, "--param", readArray);
}

/** `--label NAME=FILE.npy`, each given once: what the samples are by further labels. */
export function readFurther(settings: readonly string[], samples: number): Map<string, LabelSet> {
  return byName(settings, "--label", (file) => {
    const labels = readLabels(file, samples);
    return { labels, classes: Math.max(...labels) + 1 };
  });
}

function byName<T>(settings: readonly string[], option: string, read: (file: string) => T): Map<string, T> {
  const found = new Map<string, T>();
  for (const setting of settings) {
    const equals = setting.indexOf("=");
    if (equals <= 0 || equals === setting.length - 1)
      throw new CommandError(
        EXIT.usage,
        `${option} ${setting} names no file`,
        `Write ${option} NAME=FILE.npy.`,
      );
    const name = setting.slice(0, equals);
    if (found.has(name)) throw new CommandError(EXIT.usage, `${option} ${name} is given twice`);
    found.set(name, read(setting.slice(equals + 1)));
  }
  return found;
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
