/** The most memory that a computation takes on the wasm engine, for tests of memory. */
import * as tf from "@tensorflow/tfjs-core";

interface Data {
  readonly shape: number[];
  readonly dtype: tf.DataType;
}

interface Storage {
  set(id: object, data: Data): void;
  delete(id: object): boolean;
}

/**
 * Runs a computation and answers the most bytes of data there were at once beyond those at its start: every buffer of
 * the backend counts once, those that a kernel makes for its own work included.
 */
export function peakBytes(run: () => void): number {
  const storage = (tf.backend() as unknown as { dataIdMap: Storage }).dataIdMap;
  const own = { set: storage.set, delete: storage.delete };
  const sizes = new Map<object, number>();
  let [now, most] = [0, 0];
  storage.set = (id, data) => {
    const bytes = tf.util.sizeFromShape(data.shape) * tf.util.bytesPerElement(data.dtype);
    now += bytes - (sizes.get(id) ?? 0);
    sizes.set(id, bytes);
    most = Math.max(most, now);
    own.set.call(storage, id, data);
  };
  storage.delete = (id) => {
    now -= sizes.get(id) ?? 0;
    sizes.delete(id);
    return own.delete.call(storage, id);
  };
  try {
    run();
  } finally {
    Object.assign(storage, own);
  }
  return most;
}
