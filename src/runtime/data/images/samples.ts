/**
 * The bytes of samples, as several threads get at them: all in shared memory, or in files, of which as many are kept in
 * shared memory once decoded as a budget allows. What is kept stays: batches go through all samples in turn, and under
 * such an order replacing the oldest would never find one again. Called in the run's thread and in those beside it.
 */
import type { Dataset } from "../types.ts";
import { decodeImage, undecodable } from "./decode.ts";
import type { BytesOf } from "./make.ts";

/** What a thread must know; it can be posted, and its arrays then lie in the same memory. */
export interface SharedSamples {
  readonly image: readonly [number, number, number];
  /** [n, H, W, C], where there are no files. */
  readonly pixels: Uint8Array;
  readonly files?: FileSamples;
}

interface FileSamples {
  readonly paths: readonly string[];
  /** For messages. */
  readonly names: readonly string[];
  /** Room for decoded images, [capacity, H, W, C]. */
  readonly cache: Uint8Array;
  /** Of each sample: 0 not kept, -1 being written, else its place in the cache and 1, [n]. */
  readonly places: Int32Array;
  /** Places that were given away, [1]. */
  readonly taken: Int32Array;
}

/** The samples of a data set, in shared memory: bytes that lie elsewhere are copied there. */
export function shareSamples(dataset: Dataset): SharedSamples {
  const { image, pixels, files } = dataset;
  if (files === undefined) return { image, pixels: inSharedMemory(pixels) };
  const length = image[0] * image[1] * image[2];
  const capacity = Math.min(files.length, Math.floor((dataset.fileCacheBytes ?? 0) / length));
  return {
    image,
    pixels,
    files: {
      paths: files,
      names: dataset.sampleNames,
      cache: new Uint8Array(new SharedArrayBuffer(capacity * length)),
      places: new Int32Array(new SharedArrayBuffer(4 * files.length)),
      taken: new Int32Array(new SharedArrayBuffer(4)),
    },
  };
}

function inSharedMemory(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes;
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return shared;
}

/** The bytes of a sample, or a promise of them; the promise is rejected with a `DataError` that names the image. */
export function bytesOfSamples({ image, pixels, files }: SharedSamples): BytesOf {
  const length = image[0] * image[1] * image[2];
  if (files === undefined) return (sample) => pixels.subarray(sample * length, (sample + 1) * length);
  const { paths, names, cache, places } = files;
  const at = (place: number): Uint8Array => cache.subarray((place - 1) * length, place * length);
  return (sample) => {
    const place = Atomics.load(places, sample);
    if (place > 0) return at(place);
    return decodeImage(paths[sample]!, image).then(
      (bytes) => {
        keep(files, sample, bytes);
        return bytes;
      },
      (error: unknown) => Promise.reject(undecodable(names[sample]!, error)),
    );
  };
}

/** Keeps the bytes of a sample, if there is room and no other thread does. */
function keep({ cache, places, taken }: FileSamples, sample: number, bytes: Uint8Array): void {
  const capacity = cache.length / bytes.length;
  if (Atomics.load(taken, 0) >= capacity) return;
  if (Atomics.compareExchange(places, sample, 0, -1) !== 0) return;
  const place = Atomics.add(taken, 0, 1);
  if (place >= capacity) return;
  cache.set(bytes, place * bytes.length);
  Atomics.store(places, sample, place + 1);
}
