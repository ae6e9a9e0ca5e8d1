/** The laws of captured functions, whatever the engine: recorded once, proven once, repeated, or left as they are. */
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { capture } from "../../src/runtime/engine/capture/capture.ts";
import { CaptureRefused } from "../../src/runtime/engine/capture/recorder.ts";
import type { Recorder, TensorFunction } from "../../src/runtime/engine/capture/recorder.ts";
import { flatten, pairsOf } from "../../src/runtime/engine/capture/tree.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";

/** A recorder whose replay is `replay` in place of the function; counts what it is asked. */
function recorder(replay: TensorFunction): Recorder & { records: number; replays: number; disposed: number } {
  const counts = { records: 0, replays: 0, disposed: 0 };
  return Object.assign(counts, {
    record(_: string, fn: TensorFunction, inputs: readonly tf.Tensor[]) {
      counts.records++;
      return {
        outputs: fn(inputs),
        recording: {
          replay(values: readonly tf.Tensor[]) {
            counts.replays++;
            return [...replay(values)];
          },
          dispose: () => void counts.disposed++,
        },
      };
    },
  });
}

interface Pair {
  readonly sum: tf.Tensor;
  readonly same: tf.Tensor;
}

beforeAll(async () => {
  await startEngine("wasm");
});

describe("a captured function", () => {
  it("runs as it is at first, is held against its record at the second call, and is replayed from then on", () => {
    let runs = 0;
    const own = recorder(([a]) => [tf.add(a!, 1), a!]);
    const said: [string, boolean][] = [];
    const f = capture(
      own,
      (a: tf.Tensor): Pair => {
        runs++;
        return { sum: tf.add(a, 1), same: a };
      },
      { label: "sum", say: (message, captured) => said.push([message, captured]) },
    );
    for (const value of [1, 2, 3, 4]) {
      const a = tf.scalar(value);
      const { sum, same } = f(a);
      expect(sum.dataSync()[0]).toBe(value + 1);
      expect(same).toBe(a);
      tf.dispose([a, sum]);
    }
    expect(runs).toBe(2);
    expect(own).toMatchObject({ records: 1, replays: 3, disposed: 0 });
    expect(said).toEqual([["sum: captured", true]]);
    f.dispose();
    expect(own.disposed).toBe(1);
  });

  it("is recorded once for each form of its arguments", () => {
    const own = recorder(([a]) => [tf.neg(a!)]);
    const f = capture(own, (a: tf.Tensor) => tf.neg(a), { label: "neg" });
    tf.tidy(() => {
      for (const shape of [[2], [3], [2], [3], [2]]) f(tf.ones(shape));
      f(tf.ones([2], "int32"));
    });
    expect(own.records).toBe(3);
  });

  it("goes on as it is where the record gives something else: a number of the first call frozen in it", () => {
    const own = recorder(([a]) => [tf.mul(a!, 1)]);
    const said: [string, boolean][] = [];
    let factor = 1;
    const f = capture(own, (a: tf.Tensor) => tf.mul(a, factor++), {
      label: "product",
      say: (message, captured) => said.push([message, captured]),
    });
    const values = [1, 2, 3, 4].map(() => tf.tidy(() => f(tf.scalar(5)).dataSync()[0]));
    expect(values).toEqual([5, 10, 15, 20]);
    expect(own).toMatchObject({ replays: 1, disposed: 1 });
    expect(said).toHaveLength(1);
    expect(said[0]![0]).toContain("something else");
    expect(said[0]![1]).toBe(false);
  });

  it("goes on as it is where the engine refuses, and says why once", () => {
    const said: string[] = [];
    const refusing: Recorder = {
      record() {
        throw new CaptureRefused("it draws random numbers");
      },
    };
    const f = capture(refusing, (a: tf.Tensor) => tf.add(a, 1), {
      label: "sum",
      say: (message) => said.push(message),
    });
    expect([1, 2, 3].map((value) => tf.tidy(() => f(tf.scalar(value)).dataSync()[0]))).toEqual([2, 3, 4]);
    expect(said).toEqual([
      "sum: not captured, because it draws random numbers; it runs operation by operation",
    ]);
  });

  it("passes an error of the function on", () => {
    const own = recorder(() => []);
    const f = capture(
      own,
      (): tf.Tensor => {
        throw new Error("a mistake");
      },
      { label: "mistake" },
    );
    expect(() => f()).toThrow("a mistake");
  });

  it("takes NaN for NaN: a step that diverges is no reason not to be captured", () => {
    const own = recorder(([a]) => [tf.log(a!)]);
    const said: boolean[] = [];
    const f = capture(own, (a: tf.Tensor) => tf.log(a), { label: "log", say: (_, done) => said.push(done) });
    tf.tidy(() => {
      f(tf.scalar(-1));
      f(tf.scalar(-1));
    });
    expect(said).toEqual([true]);
  });

  it("leaves no tensor behind", () => {
    const own = recorder(([a]) => [tf.add(a!, 1), a!]);
    const f = capture(own, (a: tf.Tensor): Pair => ({ sum: tf.add(a, 1), same: a }), { label: "sum" });
    const a = tf.scalar(1);
    const before = tf.memory().numTensors;
    for (let k = 0; k < 5; k++) f(a).sum.dispose();
    expect(tf.memory().numTensors).toBe(before);
    a.dispose();
  });
});

describe("a captured function whose caller only goes on", () => {
  interface Counted {
    readonly count: tf.Tensor;
    readonly fixed: tf.Tensor;
  }
  const carried = {
    from: (before: Counted): Counted => before,
    to: ({ count, fixed }: Counted): Counted => ({ count, fixed }),
  };
  const step = ({ count, fixed }: Counted): Counted & { value: tf.Tensor } => ({
    count: tf.add(count, fixed),
    fixed,
    value: tf.square(count),
  });

  /** Counts on by `advance`; the counts, and how many tensors there are after each. */
  function countOn(own: Recorder | undefined, times: number): { counts: number[]; tensors: number[] } {
    const f = capture<[Counted], Counted & { value: tf.Tensor }, Counted>(own, step, {
      label: "count",
      carried,
    });
    let parts: Counted = { count: tf.scalar(0), fixed: tf.scalar(2) };
    const counts: number[] = [];
    const tensors: number[] = [];
    for (let k = 0; k < times; k++) {
      const next = f.advance(parts);
      expect(Object.keys(next)).toEqual(["count", "fixed"]);
      expect(next.fixed).toBe(parts.fixed);
      parts.count.dispose();
      parts = next;
      counts.push(parts.count.dataSync()[0]!);
      tensors.push(tf.memory().numTensors);
    }
    tf.dispose({ ...parts });
    return { counts, tensors };
  }

  it("gets what is carried, and is left nothing else to dispose of", () => {
    for (const own of [undefined, recorder(([a, b]) => [tf.add(a!, b!), b!, tf.square(a!)])]) {
      const { counts, tensors } = countOn(own, 5);
      expect(counts).toEqual([2, 4, 6, 8, 10]);
      expect(new Set(tensors).size).toBe(1);
    }
  });

  it("has the engine leave out the rest once the record is proven", () => {
    const whole = recorder(([a, b]) => [tf.add(a!, b!), b!, tf.square(a!)]);
    let advanced = 0;
    const own: Recorder = {
      record(label, fn, inputs) {
        const { outputs, recording } = whole.record(label, fn, inputs);
        const advance = ([a, b]: readonly tf.Tensor[]): (tf.Tensor | undefined)[] => {
          advanced++;
          return [tf.add(a!, b!), b!, undefined];
        };
        return { outputs, recording: { ...recording, advance } };
      },
    };
    expect(countOn(own, 5).counts).toEqual([2, 4, 6, 8, 10]);
    expect([whole.records, whole.replays, advanced]).toEqual([1, 1, 3]);
  });
});

describe("trees of tensors", () => {
  it("are flattened with each tensor once, and restored in every place", () => {
    const [a, b] = [tf.scalar(1), tf.scalar(2)];
    const { tensors, restore } = flatten({ first: a, list: [b, a], none: undefined });
    expect(tensors).toEqual([a, b]);
    expect(restore([b, a])).toEqual({ first: b, list: [a, b], none: undefined });
    tf.dispose([a, b]);
  });

  it("are paired by their places", () => {
    const [a, b, c] = [tf.scalar(1), tf.scalar(2), tf.scalar(3)];
    expect(pairsOf({ x: a, list: [b], none: undefined }, { x: c, list: [b], more: a })).toEqual([
      [a, c],
      [b, b],
    ]);
    tf.dispose([a, b, c]);
  });

  it("hold tensors only", () => {
    expect(() => flatten({ rate: 0.1 } as never)).toThrow("number is no tree of tensors");
  });
});
