/**
 * Numbered arrays of images, made ahead of their use into a ring of shared memory. Called by the feeds of the trainer and
 * by the batches of the evaluation.
 */
import type { ImageMaker, ImageRequest } from "../types.ts";

/** Arrays in use and being made, at least two; three where they fit into so many bytes. */
const RING_BYTES = 2 ** 29;

/** Images of one number. */
export interface Taken {
  /** [size, H, W, C]; zeros behind what was asked for. */
  readonly images: Float32Array;
  /** Gives the array back. Whatever reads it must be done by then. */
  release(): void;
}

interface UnderWay {
  readonly array: Float32Array;
  readonly made: Promise<void>;
}

export class ImageStream {
  readonly #maker: ImageMaker;
  readonly #requestOf: (number: number) => ImageRequest;
  readonly #count: number;
  /** Floats of one image, and of an array. */
  readonly #imageLength: number;
  readonly #length: number;
  readonly #depth: number;
  readonly #underWay = new Map<number, UnderWay>();
  readonly #free: Float32Array[] = [];
  #arrays = 0;

  /**
   * @param requestOf what number 0 to `count - 1` holds.
   * @param shape [size, H, W, C] of every array; a request may ask for fewer images.
   */
  constructor(
    maker: ImageMaker,
    requestOf: (number: number) => ImageRequest,
    count: number,
    [size, height, width, channels]: readonly [number, number, number, number],
  ) {
    this.#maker = maker;
    this.#requestOf = requestOf;
    this.#count = count;
    this.#imageLength = height * width * channels;
    this.#length = size * this.#imageLength;
    this.#depth = 3 * 4 * this.#length <= RING_BYTES ? 3 : 2;
  }

  /** The images of a number. Numbers may come in any order; those that follow one another are made ahead. */
  async take(number: number): Promise<Taken> {
    let found = this.#underWay.get(number);
    if (found === undefined) {
      await this.#forget();
      found = this.#start(number);
    }
    this.#goAhead(number + 1);
    try {
      await found.made;
    } finally {
      this.#underWay.delete(number);
    }
    const { array } = found;
    return {
      images: array,
      release: () => {
        this.#free.push(array);
        this.#goAhead(number + 1);
      },
    };
  }

  /** Waits for what is under way and takes its arrays back. */
  async #forget(): Promise<void> {
    const all = [...this.#underWay.values()];
    this.#underWay.clear();
    await Promise.allSettled(all.map(({ made }) => made));
    for (const { array } of all) this.#free.push(array);
  }

  /** Starts what comes from `number` on, as far as there are arrays. */
  #goAhead(number: number): void {
    if (!this.#maker.ahead) return;
    for (let next = number; next < this.#count; next++) {
      if (this.#underWay.has(next)) continue;
      if (this.#free.length === 0 && this.#arrays >= this.#depth) return;
      this.#start(next);
    }
  }

  #start(number: number): UnderWay {
    const array = this.#free.pop() ?? this.#allocate();
    const request = this.#requestOf(number);
    array.fill(0, request.samples.length * request.views * this.#imageLength);
    const made = this.#maker.make(request, array);
    // It is looked at when the number is taken, and of no interest if it never is.
    made.catch(() => undefined);
    const underWay = { array, made };
    this.#underWay.set(number, underWay);
    return underWay;
  }

  #allocate(): Float32Array {
    this.#arrays++;
    return new Float32Array(new SharedArrayBuffer(4 * this.#length));
  }
}
