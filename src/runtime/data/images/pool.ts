/**
 * Threads that make images. Every request is divided among all of them, in one fixed way, and each works through its
 * tasks in their order without coming back to ask: the run's thread may be busy for as long as a step takes. Called by
 * `open.ts`; starts threads and ends them.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { DataError } from "../errors.ts";
import type { AugmentationRecipe, ImageRequest } from "../types.ts";
import type { Done, Task } from "./protocol.ts";
import type { SharedSamples } from "./samples.ts";

interface Pending {
  /** Tasks that have not been answered. */
  left: number;
  failure: Error | undefined;
  readonly settle: (failure: Error | undefined) => void;
}

/** The built module that the threads run; none where this runs from source. */
export function workerEntry(): URL | undefined {
  const entry = new URL("./worker.js", import.meta.url);
  return existsSync(fileURLToPath(entry)) ? entry : undefined;
}

export class ImagePool {
  readonly #workers: readonly Worker[];
  readonly #pending = new Map<number, Pending>();
  #next = 0;
  /** Why no more images can be made. */
  #ended: Error | undefined;

  constructor(entry: URL, count: number, samples: SharedSamples) {
    this.#workers = Array.from({ length: count }, () => {
      // Flags of the process such as --input-type are not for threads.
      const worker = new Worker(entry, { workerData: samples, execArgv: [] });
      worker.on("message", (done: Done) => this.#answered(done));
      worker.on("error", (error) => this.#end(error));
      worker.on("exit", (code) => this.#end(new Error(`a thread that makes images ended with code ${code}`)));
      // A process whose work is done ends, whether or not it has ended its threads.
      worker.unref();
      return worker;
    });
  }

  /** Fills `target`, which lies in shared memory. */
  make(request: ImageRequest, recipes: readonly AugmentationRecipe[], target: Float32Array): Promise<void> {
    const { samples, views, seed, step } = request;
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = this.#next++;
    const size = samples.length;
    const share = Math.ceil(size / this.#workers.length);
    const tasks: Task[] = [];
    for (let first = 0; first < size; first += share) {
      const part = samples.slice(first, first + share);
      tasks.push({ id, samples: part, first, size, views, augment: recipes, seed, step, target });
    }
    if (tasks.length === 0) return Promise.resolve();
    if (this.#pending.size === 0) for (const worker of this.#workers) worker.ref();
    return new Promise((resolve, reject) => {
      const settle = (failure: Error | undefined): void =>
        failure === undefined ? resolve() : reject(failure);
      this.#pending.set(id, { left: tasks.length, failure: undefined, settle });
      tasks.forEach((task, k) => this.#workers[k]!.postMessage(task));
    });
  }

  /** Ends the threads; requests under way are rejected. */
  async close(): Promise<void> {
    this.#end(new Error("no more images are made"));
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #answered({ id, failed }: Done): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    if (failed !== undefined && pending.failure === undefined) {
      const { message, help } = failed;
      pending.failure = help === undefined ? new Error(message) : new DataError(message, help);
    }
    // Not before all are done: the array is free again then.
    if (--pending.left > 0) return;
    this.#pending.delete(id);
    if (this.#pending.size === 0) for (const worker of this.#workers) worker.unref();
    pending.settle(pending.failure);
  }

  #end(reason: Error): void {
    this.#ended ??= reason;
    for (const { settle } of this.#pending.values()) settle(this.#ended);
    this.#pending.clear();
  }
}
