/** What becomes of a recorded graph on its way to loops: what is left out, shared, put together and computed again. */
import { beforeAll, describe, expect, test } from "vitest";
import * as tf from "@tensorflow/tfjs-core";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { type Graph, sizeOf } from "../../src/runtime/engine/wasm/capture/graph.ts";
import { groupsOf } from "../../src/runtime/engine/wasm/capture/groups.ts";
import { trafficOf } from "../../src/runtime/engine/wasm/capture/memory.ts";
import { recompute } from "../../src/runtime/engine/wasm/capture/recompute.ts";
import { recordRun } from "../../src/runtime/engine/wasm/capture/record.ts";
import { simplify } from "../../src/runtime/engine/wasm/capture/simplify.ts";

beforeAll(() => startEngine("wasm"));

function graphOf(fn: (x: tf.Tensor) => tf.Tensor | tf.Tensor[], shape: number[]): Graph {
  const x = tf.ones(shape);
  const { graph, values, outputs } = recordRun(
    tf.backend() as BackendWasm,
    ([given]) => tf.tidy(() => [fn(given!)].flat()),
    [x],
  );
  tf.dispose([x, ...outputs]);
  return simplify(graph, values);
}

const kernelsOf = ({ nodes }: Graph): string[] => nodes.map(({ kernel }) => kernel).sort();

describe("simplify", () => {
  test("leaves out what nothing needs, and what changes only the shape", () => {
    const graph = graphOf(
      (x) => {
        tf.log(x);
        return tf.neg(tf.reshape(tf.transpose(tf.add(tf.mul(x, 1), 0), [1, 0]), [5]));
      },
      [1, 5],
    );
    expect(kernelsOf(graph)).toEqual([tf.Neg]);
  });

  test("computes once what is computed twice, however it is shaped and whichever operand comes first", () => {
    const graph = graphOf(
      (x) => {
        const one = tf.mul(tf.exp(x), tf.add(x, 3));
        const flat = tf.reshape(x, [6]);
        const two = tf.mul(tf.add(3, flat), tf.exp(flat));
        return [tf.sum(one, 0), tf.sum(tf.reshape(two, [2, 3]), 0, true)];
      },
      [2, 3],
    );
    expect(kernelsOf(graph)).toEqual([tf.Add, tf.Exp, tf.Multiply, tf.Sum]);
  });

  test("does not take different numbers for the same", () => {
    const graph = graphOf(
      (x) => [tf.add(x, 1), tf.add(x, 2), tf.leakyRelu(x, 0.1), tf.leakyRelu(x, 0.2)],
      [3],
    );
    expect(graph.nodes.length).toBe(4);
    const means = graphOf((x) => [tf.sum(x, 0), tf.sum(x, 1), tf.max(x, 0), tf.tile(x, [2, 1])], [2, 2]);
    expect(means.nodes.length).toBe(4);
  });

  test("transposes a shared matrix once, and makes one product of A·X + Aᵀ·X", () => {
    const graph = graphOf(
      (x) => {
        const loss = (y: tf.Tensor): tf.Tensor =>
          tf.sum(tf.exp(tf.matMul(y as tf.Tensor2D, y as tf.Tensor2D, false, true)));
        return tf.grad(loss)(x);
      },
      [4, 3],
    );
    expect(kernelsOf(graph)).toEqual(
      [tf.Add, tf.BatchMatMul, tf.BatchMatMul, tf.Exp, tf.Transpose, tf.Transpose].sort(),
    );
  });
});

describe("groups", () => {
  test("what walks the same elements is one loop, up to what waits for a reduction", () => {
    const graph = graphOf((x) => tf.sub(x, tf.logSumExp(x, 1, true)), [4, 64]);
    const groups = groupsOf(graph);
    expect(groups.every(({ kind }) => kind === "loop")).toBe(true);
    // The maximum, the sum of exponentials, its logarithm, the difference.
    expect(groups.length).toBe(4);
  });

  test("a group comes after all it needs", () => {
    const graph = graphOf(
      (x) => {
        const soft = tf.softmax(tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D, false, true));
        return tf.matMul(tf.relu(tf.sub(soft, 0.1)) as tf.Tensor2D, x as tf.Tensor2D);
      },
      [8, 5],
    );
    const ready = new Set([...graph.arguments, ...graph.constants.keys()]);
    for (const group of recompute(groupsOf(graph), graph)) {
      const { reads, writes } = trafficOf(group);
      for (const value of reads) expect(ready.has(value)).toBe(true);
      for (const value of writes) ready.add(value);
    }
  });

  test("a mask is made again rather than kept; an exponential is kept", () => {
    const graph = graphOf(
      (x) => {
        const mask = tf.cast(tf.greater(x, 0.5), "float32");
        const powers = tf.exp(x);
        const rows = tf.sum(tf.mul(mask, powers), 1, true);
        return tf.mul(tf.mul(tf.div(powers, rows), mask), 2);
      },
      [16, 64],
    );
    const groups = recompute(groupsOf(graph), graph);
    const loops = groups.flatMap((group) => (group.kind === "loop" ? [group] : []));
    const again = loops.flatMap((loop) => [...loop.again].map(({ kernel }) => kernel));
    expect(again).toEqual([tf.Greater, tf.Cast]);
    const exponentials = loops.flatMap(({ nodes }) => nodes.filter(({ kernel }) => kernel === tf.Exp));
    expect(exponentials.length).toBe(1);
    const kept = loops
      .slice(1)
      .flatMap((loop) => trafficOf(loop).reads.filter(({ size }) => size === sizeOf([16, 64])));
    // The argument, for the mask, and the exponentials.
    expect(new Set(kept).size).toBe(2);
  });
});
