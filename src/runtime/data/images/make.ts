/**
 * The law by which bytes of samples become the floats of a batch: divided by 255, then augmented. Called by whoever makes
 * batches, in the run's own thread and in those beside it, so that all write the same numbers; pure.
 */
import { counterRandom } from "../../random.ts";
import type { ImageRequest } from "../types.ts";

const UNIT = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);

/**
 * One view of the image of slot `slot`.
 *
 * @param bytes H * W * C of them; `place` takes as many floats.
 */
export function writeImage(
  { augment, seed, step }: Pick<ImageRequest, "augment" | "seed" | "step">,
  view: number,
  slot: number,
  bytes: Uint8Array,
  image: readonly [number, number, number],
  place: Float32Array,
): void {
  for (let at = 0; at < place.length; at++) place[at] = UNIT[bytes[at]!]!;
  if (augment.length === 0) return;
  const random = counterRandom(seed, `augment/${view}/${slot}`, step);
  const changed = new Float32Array(place.length);
  for (const augmentation of augment) {
    augmentation.apply(place, changed, image, random);
    place.set(changed);
  }
}

/** Where the bytes of a sample come from. */
export type BytesOf = (sample: number) => Uint8Array | Promise<Uint8Array>;

/** Reads under way at once: enough that decoding, which has threads of its own, never waits for the loops here. */
const READS_AT_ONCE = 4;

/**
 * Slots `first` to `first + samples.length` of a request of `size` slots into their places in `target`, in all views. Ends at the first
 * sample whose bytes cannot be had, with that error.
 */
export async function writeSlots(
  request: ImageRequest,
  size: number,
  first: number,
  bytesOf: BytesOf,
  image: readonly [number, number, number],
  target: Float32Array,
): Promise<void> {
  const { samples, views } = request;
  const length = image[0] * image[1] * image[2];
  let next = 0;
  const reader = async (): Promise<void> => {
    while (next < samples.length) {
      const k = next++;
      try {
        const bytes = bytesOf(samples[k]!);
        const ready = bytes instanceof Uint8Array ? bytes : await bytes;
        for (let view = 0; view < views; view++) {
          const from = (view * size + first + k) * length;
          writeImage(request, view, first + k, ready, image, target.subarray(from, from + length));
        }
      } catch (error) {
        next = samples.length;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, reader));
}
