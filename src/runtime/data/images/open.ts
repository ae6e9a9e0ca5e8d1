/**
 * How the images of a data set are made in a run: in threads beside the run's where that is worth while, else in the
 * run's own. Called by the loader of a run; the run closes what it opens.
 */
import { availableParallelism, totalmem } from "node:os";
import { DataError } from "../errors.ts";
import type { Dataset, ImageMaker } from "../types.ts";
import { writeSlots } from "./make.ts";
import { ImagePool, workerEntry } from "./pool.ts";
import { bytesOfSamples, shareSamples } from "./samples.ts";
import type { SharedSamples } from "./samples.ts";

const MOST_THREADS = 8;
/** Threads are started once images have taken so long to make, in milliseconds: small runs do without. */
const WORTH_THREADS_MS = 200;

type Environment = Readonly<Record<string, string | undefined>>;

export interface OpenOptions {
  /** Threads beside the run's; 0: none. Absent: one less than there are cores, started when they are worth it. */
  readonly threads?: number | undefined;
  /** The module that threads run; the built one where absent. */
  readonly entry?: URL | undefined;
}

/** The maker of a data set's images. */
export function openImages(dataset: Dataset, options: OpenOptions = {}): ImageMaker {
  const entry = options.entry ?? workerEntry();
  const threads = options.threads ?? Math.min(MOST_THREADS, availableParallelism() - 1);
  const eager = options.threads !== undefined || dataset.files !== undefined;
  return new Images(dataset, entry === undefined ? 0 : threads, entry, eager ? 0 : WORTH_THREADS_MS);
}

/** `DMLC_DATA_THREADS`: how many threads beside the run's make batches. */
export function threadsAsked(environment: Environment = process.env): number | undefined {
  return wholeNumber(environment, "DMLC_DATA_THREADS", 256);
}

/** Bytes that decoded images of a folder may take: `DMLC_IMAGE_MEMORY` (MiB), else 1 GiB or an eighth of the machine's. */
export function imageMemory(environment: Environment = process.env): number {
  const asked = wholeNumber(environment, "DMLC_IMAGE_MEMORY", 2 ** 20);
  return asked === undefined ? Math.min(2 ** 30, Math.floor(totalmem() / 8)) : asked * 2 ** 20;
}

function wholeNumber(environment: Environment, name: string, most: number): number | undefined {
  const text = environment[name] ?? "";
  if (text === "") return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= most) return value;
  throw new DataError(
    `${name} must be a whole number from 0 to ${most}, not ${JSON.stringify(text)}`,
    `Set ${name} to another value, or leave it out.`,
  );
}

class Images implements ImageMaker {
  readonly #dataset: Dataset;
  readonly #threads: number;
  readonly #entry: URL | undefined;
  /** Time that making images may take in this thread until others are started, in milliseconds. */
  #patience: number;
  #shared: SharedSamples | undefined;
  #pool: ImagePool | undefined;

  constructor(dataset: Dataset, threads: number, entry: URL | undefined, patience: number) {
    this.#dataset = dataset;
    this.#threads = threads;
    this.#entry = entry;
    this.#patience = patience;
  }

  get ahead(): boolean {
    return this.#threads > 0 && this.#patience <= 0;
  }

  async make(...[request, target]: Parameters<ImageMaker["make"]>): Promise<void> {
    const recipes = request.augment.flatMap(({ recipe }) => (recipe === undefined ? [] : [recipe]));
    if (this.ahead && recipes.length === request.augment.length) {
      this.#shared = this.#shared ?? shareSamples(this.#dataset);
      this.#pool ??= new ImagePool(this.#entry!, this.#threads, this.#shared);
      return this.#pool.make(request, recipes, target);
    }
    const began = performance.now();
    const { files, image, pixels } = this.#dataset;
    if (files !== undefined) this.#shared ??= shareSamples(this.#dataset);
    const bytesOf = bytesOfSamples(this.#shared ?? { image, pixels });
    await writeSlots(request, request.samples.length, 0, bytesOf, image, target);
    this.#patience -= performance.now() - began;
  }

  async close(): Promise<void> {
    await this.#pool?.close();
  }
}
