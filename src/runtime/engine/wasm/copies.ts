/**
 * `Tile` and `GatherV2` for the wasm backend, as copies of contiguous pieces; the shipped kernels look up every
 * element's place. tf.where, tf.broadcastTo and every gather go through them.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { type Kernel, addressOf, bytes, integers } from "./heap.ts";

/** Input x; output x repeated `reps[axis]` times along each axis. */
export function tile(shipped: Kernel<"x", tf.TileAttrs>): typeof shipped {
  return (call) => {
    const { inputs, backend, attrs } = call;
    const { x } = inputs;
    const { reps } = attrs;
    if (x.dtype === "string") return shipped(call);
    const size = tf.util.bytesPerElement(x.dtype);
    const shape = x.shape.map((length, axis) => length * reps[axis]!);
    const total = tf.util.sizeFromShape(shape);
    const out = backend.makeOutput(shape, x.dtype);
    if (total === 0) return out;
    const memory = bytes(backend);
    const words = new Int32Array(memory.buffer);
    const [from, to] = [addressOf(backend, x), addressOf(backend, out)];
    // The last axis first, packed at the end of the output, then each axis before it: what has been repeated so far
    // always lies behind what is still to be written.
    const count = tf.util.sizeFromShape(x.shape);
    let packed = to + (total - count) * size;
    memory.copyWithin(packed, from, from + count * size);
    let block = size;
    let blocks = count;
    for (let axis = x.shape.length - 1; axis >= 0; axis--) {
      const times = reps[axis]!;
      block *= x.shape[axis]!;
      blocks /= x.shape[axis]!;
      if (times === 1) continue;
      const target = to + total * size - blocks * block * times;
      if (block === 4) {
        for (let n = 0; n < blocks; n++) {
          const place = target / 4 + n * times;
          words.fill(words[packed / 4 + n]!, place, place + times);
        }
      } else
        for (let n = 0; n < blocks; n++) {
          repeat(memory, target + n * block * times, packed + n * block, block, times);
        }
      block *= times;
      packed = target;
    }
    return out;
  };
}

/** Writes `times` copies of `length` bytes, doubling what is there. The source may be overwritten by the last copies. */
function repeat(memory: Uint8Array, to: number, from: number, length: number, times: number): void {
  if (length === 1) {
    memory.fill(memory[from]!, to, to + times);
    return;
  }
  memory.copyWithin(to, from, from + length);
  let done = 1;
  while (done < times) {
    const more = Math.min(done, times - done);
    memory.copyWithin(to + done * length, to, to + more * length);
    done += more;
  }
}

/** Inputs x [O.., A, I..] and indices; output [O.., indices.., I..]. */
export function gather(shipped: Kernel<"x" | "indices", tf.GatherV2Attrs>): typeof shipped {
  return (call) => {
    const { inputs, backend, attrs } = call;
    const { x, indices } = inputs;
    const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0]!;
    if (attrs.batchDims !== 0 || x.dtype === "string" || indices.dtype !== "int32") return shipped(call);
    const [before, after] = [x.shape.slice(0, axis), x.shape.slice(axis + 1)];
    const length = x.shape[axis]!;
    const out = backend.makeOutput([...before, ...indices.shape, ...after], x.dtype);
    const outer = tf.util.sizeFromShape(before);
    const piece = tf.util.sizeFromShape(after) * tf.util.bytesPerElement(x.dtype);
    const places = integers(backend, addressOf(backend, indices), tf.util.sizeFromShape(indices.shape));
    for (const place of places) {
      tf.util.assert(
        place >= 0 && place < length,
        () => `gather: index ${place} is not in [0, ${length - 1}]`,
      );
    }
    copyPieces(backend, places, {
      from: addressOf(backend, x),
      to: addressOf(backend, out),
      outer,
      length,
      piece,
    });
    return out;
  };
}

interface Pieces {
  readonly from: number;
  readonly to: number;
  readonly outer: number;
  /** Pieces of the source in each of the `outer` parts. */
  readonly length: number;
  /** Bytes. */
  readonly piece: number;
}

function copyPieces(
  backend: BackendWasm,
  places: Int32Array,
  { from, to, outer, length, piece }: Pieces,
): void {
  const memory = bytes(backend);
  const words = piece % 4 === 0 ? piece / 4 : 0;
  // A call for each piece costs more than a few words copied one by one.
  if (words > 0 && words <= 16) {
    const all = new Int32Array(memory.buffer);
    let target = to / 4;
    for (let n = 0; n < outer; n++) {
      for (let i = 0; i < places.length; i++) {
        const source = from / 4 + (n * length + places[i]!) * words;
        for (let w = 0; w < words; w++) all[target++] = all[source + w]!;
      }
    }
    return;
  }
  let target = to;
  for (let n = 0; n < outer; n++) {
    for (const place of places) {
      const source = from + (n * length + place) * piece;
      memory.copyWithin(target, source, source + piece);
      target += piece;
    }
  }
}
