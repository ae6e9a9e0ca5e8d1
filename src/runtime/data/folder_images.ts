/**
 * The images of a folder as a data set: decoded at once where they fit into memory, else checked by their headers and
 * decoded when they are needed. Called by `folder.ts` with what it found; reads the files it is given.
 */
import { DataError } from "./errors.ts";
import { decodeImage, readHeader, reasonOf } from "./images/decode.ts";
import { imageMemory } from "./images/open.ts";
import type { Dataset, LoadContext } from "./types.ts";

/** Files read at once; sharp decodes on threads of its own. */
const READS_AT_ONCE = 8;
/** How many left-out images the log names. */
const NAMED_IN_NOTES = 10;

export interface ImageEntry {
  readonly className: string;
  /** `CLASS/IMAGE`, for messages. */
  readonly name: string;
  readonly file: string;
}

/**
 * The data set of the images; those that cannot be decoded are left out and noted, or an error when `strict`.
 *
 * Throws `DataError` if fewer than two classes have images.
 */
export async function readImages(
  name: string,
  entries: readonly ImageEntry[],
  notes: readonly string[],
  image: readonly [number, number, number],
  strict: boolean,
  context: LoadContext,
): Promise<Dataset> {
  const length = image[0] * image[1] * image[2];
  const memory = context.imageMemory ?? imageMemory();
  const inFiles = entries.length * length > memory;
  // In shared memory: threads that make batches read it there.
  const all = new Uint8Array(new SharedArrayBuffer(inFiles ? 0 : entries.length * length));
  const read = async (index: number): Promise<void> => {
    const { file } = entries[index]!;
    if (inFiles) await readHeader(file);
    else all.set(await decodeImage(file, image), index * length);
  };
  const failed = await readAll(entries.length, read, context);
  if (failed.length > 0 && strict) {
    const [index, reason] = failed[0]!;
    throw new DataError(
      `cannot decode ${entries[index]!.name}: ${reason}` +
        (failed.length > 1 ? ` (and ${failed.length - 1} more)` : ""),
      "Repair or remove the image, or leave out strict: true to skip such images.",
    );
  }
  const without = new Set(failed.map(([index]) => index));
  const kept = entries.map((_, index) => index).filter((index) => !without.has(index));
  const classNames = [...new Set(kept.map((index) => entries[index]!.className))].sort();
  requireClasses(name, classNames, entries, failed);
  const classIndex = new Map(classNames.map((className, index) => [className, index]));
  const asNeeded =
    `${kept.length} images of ${image.join(" x ")} take ${gibibytes(kept.length * length)} once decoded, ` +
    `more than ${gibibytes(memory)}: they are decoded when they are needed`;
  return {
    name,
    image,
    classNames,
    classClusters: Int32Array.from(classNames, (_, index) => index),
    labels: Int32Array.from(kept, (index) => classIndex.get(entries[index]!.className)!),
    sampleNames: kept.map((index) => entries[index]!.name),
    pixels: inFiles || failed.length === 0 ? all : packPixels(all, kept, length),
    ...(inFiles ? { files: kept.map((index) => entries[index]!.file), fileCacheBytes: memory } : {}),
    notes: [...notes, ...failureNotes(entries, failed), ...(inFiles ? [asNeeded] : [])],
  };
}

type Failure = readonly [index: number, reason: string];

/** Reads all images, several at once; those that fail, in their order. */
async function readAll(
  count: number,
  read: (index: number) => Promise<void>,
  context: LoadContext,
): Promise<Failure[]> {
  const failed: Failure[] = [];
  let next = 0;
  let done = 0;
  const reader = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      try {
        await read(index);
      } catch (error) {
        failed.push([index, reasonOf(error)]);
      }
      context.progress("images", ++done, count);
    }
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, reader));
  return failed.sort(([a], [b]) => a - b);
}

function requireClasses(
  name: string,
  classNames: readonly string[],
  entries: readonly ImageEntry[],
  failed: readonly Failure[],
): void {
  if (classNames.length >= 2) return;
  if (classNames.length === 1) {
    throw new DataError(
      `${name} holds images of one class only: ${classNames[0]}`,
      "Metric learning compares classes: give each class its own directory.",
    );
  }
  throw new DataError(
    `none of the ${entries.length} images of ${name} can be decoded`,
    `The first failure: ${entries[failed[0]![0]]!.name}: ${failed[0]![1]}.`,
  );
}

function packPixels(all: Uint8Array, kept: readonly number[], length: number): Uint8Array {
  const packed = new Uint8Array(new SharedArrayBuffer(kept.length * length));
  kept.forEach((index, to) => packed.set(all.subarray(index * length, (index + 1) * length), to * length));
  return packed;
}

function failureNotes(entries: readonly ImageEntry[], failed: readonly Failure[]): string[] {
  if (failed.length === 0) return [];
  const named = failed
    .slice(0, NAMED_IN_NOTES)
    .map(([index, reason]) => `${entries[index]!.name} left out: ${reason}`);
  const count = `${failed.length} of ${entries.length} images could not be decoded`;
  return [count, ...named];
}

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toPrecision(2)} GiB`;
