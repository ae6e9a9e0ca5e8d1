/** A thread that makes images: started by `pool.ts` with the data set's samples, it answers each task when it is done. */
import { parentPort, workerData } from "node:worker_threads";
import { augmentationOf } from "../augment.ts";
import { DataError } from "../errors.ts";
import { decodeOnOneThread } from "./decode.ts";
import { writeSlots } from "./make.ts";
import type { Done, Task } from "./protocol.ts";
import { bytesOfSamples } from "./samples.ts";
import type { SharedSamples } from "./samples.ts";

const shared = workerData as SharedSamples;
const bytesOf = bytesOfSamples(shared);
decodeOnOneThread();

// One after the other, in the order of the run: what is needed first is done first.
let before = Promise.resolve();
parentPort!.on("message", (task: Task) => {
  before = before.then(async () => parentPort!.postMessage(await answer(task)));
});

async function answer({ id, first, size, augment, target, ...rest }: Task): Promise<Done> {
  try {
    const request = { ...rest, augment: augment.map(augmentationOf) };
    await writeSlots(request, size, first, bytesOf, shared.image, target);
    return { id };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { id, failed: { message, ...(error instanceof DataError ? { help: error.help } : {}) } };
  }
}
