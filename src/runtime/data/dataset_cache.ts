/**
 * Keeps a finished data set on disk: `pixels.bin` and `dataset.json` in a folder of its own. Called by sources that are
 * slow to build. A folder appears under its name complete or not at all: it is written beside and renamed.
 */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheError } from "./cache_directory.ts";
import { systemCode } from "./errors.ts";
import type { Dataset } from "./types.ts";

interface StoredDataset {
  readonly name: string;
  readonly image: readonly [number, number, number];
  readonly classNames: readonly string[];
  readonly classClusters: readonly number[];
  readonly labels: readonly number[];
  readonly sampleNames: readonly string[];
  readonly notes: readonly string[];
  /** SHA-256 of `pixels.bin`, in hex. */
  readonly pixelsHash: string;
}

/** The data set stored at `folder`, or nothing if there is none or it is damaged. */
export function readCachedDataset(folder: string): Dataset | undefined {
  try {
    const stored = JSON.parse(readFileSync(join(folder, "dataset.json"), "utf8")) as StoredDataset;
    const bytes = readFileSync(join(folder, "pixels.bin"));
    if (hashOf(bytes) !== stored.pixelsHash) return undefined;
    // In shared memory: threads that make batches read it there.
    const pixels = new Uint8Array(new SharedArrayBuffer(bytes.length));
    pixels.set(bytes);
    return {
      name: stored.name,
      image: stored.image,
      classNames: stored.classNames,
      classClusters: Int32Array.from(stored.classClusters),
      labels: Int32Array.from(stored.labels),
      sampleNames: stored.sampleNames,
      pixels,
      notes: stored.notes,
    };
  } catch (error) {
    if (systemCode(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw cacheError(folder, error);
  }
}

/**
 * Stores the data set at `folder`, with more text files beside it by name. A whole data set that stands there already is
 * left: `folder` names its contents. Throws `DataError` if it cannot be written.
 */
export function writeCachedDataset(
  folder: string,
  dataset: Dataset,
  texts: Readonly<Record<string, string>>,
): void {
  let scratch: string | undefined;
  try {
    mkdirSync(dirname(folder), { recursive: true });
    scratch = mkdtempSync(join(dirname(folder), "partial-"));
    const stored: StoredDataset = {
      name: dataset.name,
      image: dataset.image,
      classNames: dataset.classNames,
      classClusters: [...dataset.classClusters],
      labels: [...dataset.labels],
      sampleNames: dataset.sampleNames,
      notes: dataset.notes,
      pixelsHash: hashOf(dataset.pixels),
    };
    writeFileSync(join(scratch, "pixels.bin"), dataset.pixels);
    writeFileSync(join(scratch, "dataset.json"), JSON.stringify(stored));
    for (const [name, text] of Object.entries(texts)) writeFileSync(join(scratch, name), text);
    moveInto(scratch, folder);
  } catch (error) {
    throw cacheError(folder, error);
  } finally {
    if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true });
  }
}

/** Renames `scratch` to `folder`, unless a run that was faster has put its own there; a damaged one makes way. */
function moveInto(scratch: string, folder: string): void {
  try {
    renameSync(scratch, folder);
  } catch (error) {
    const code = systemCode(error);
    if (code !== "ENOTEMPTY" && code !== "EEXIST" && code !== "EPERM") throw error;
    if (readCachedDataset(folder) !== undefined) return;
    rmSync(folder, { recursive: true, force: true });
    renameSync(scratch, folder);
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
