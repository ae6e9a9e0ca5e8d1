/** Layers in bfloat16 on an installed TensorFlow; skipped, with the reason, where there is none. */
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { checkFile } from "../../../src/compile.ts";
import { layerProduct } from "../../../src/runtime/engine/fused.ts";
import { startEngine } from "../../../src/runtime/engine/index.ts";
import type { Engine } from "../../../src/runtime/engine/index.ts";
import type { Binding, NodeBackend, OpAttribute } from "../../../src/runtime/engine/tensorflow/binding.ts";
import { locateTensorflow } from "../../../src/runtime/engine/tensorflow/locate.ts";
import type { Program } from "../../../src/runtime/program.ts";
import { capturedStep } from "../../../src/runtime/train/captured_step.ts";
import { stepPrecision } from "../../../src/runtime/train/precision.ts";
import type { Step } from "../../../src/runtime/train/step.ts";
import { host } from "../../check/harness.ts";
import { firstSteps, programOf } from "../../emit/trained.ts";

const { backend: installed, reason } = locateTensorflow();
if (installed === undefined) console.log(`bfloat16 is not tested: ${reason}`);

const BFLOAT16 = 14;

/** To the nearest of bfloat16, ties to even. */
function rounded(tensor: tf.Tensor): tf.Tensor {
  const values = Float32Array.from(tensor.dataSync());
  const bits = new Uint32Array(values.buffer);
  for (const [k, b] of bits.entries()) bits[k] = (b + 0x7fff + ((b >>> 16) & 1)) & 0xffff0000;
  return tf.tensor(values, tensor.shape);
}

/** Root mean square of the difference, relative to that of the first. */
function distance(a: tf.Tensor, b: tf.Tensor): number {
  return tf.tidy(() => {
    const norm = (x: tf.Tensor): number => tf.norm(x).dataSync()[0]!;
    return norm(tf.sub(a, b)) / norm(a);
  });
}

describe.skipIf(installed === undefined)("layers in bfloat16", () => {
  let engine: Engine;
  let inBfloat16: NonNullable<Engine["inBfloat16"]>;

  beforeAll(async () => {
    engine = await startEngine("tensorflow");
    inBfloat16 = engine.inBfloat16!;
  });

  /** A value and its gradients by two operands, in both precisions, and from operands rounded beforehand. */
  function thrice(
    shapes: readonly [number[], number[]],
    apply: (x: tf.Tensor, w: tf.Tensor) => tf.Tensor,
  ): Record<"exact" | "low" | "byHand", tf.Tensor[]> {
    const [x, w] = shapes.map((shape, k) => tf.randomNormal(shape, 0, 1, "float32", k + 1));
    const dy = tf.randomNormal(apply(x!, w!).shape, 0, 1, "float32", 3);
    const all = (a: tf.Tensor, b: tf.Tensor, d: tf.Tensor): tf.Tensor[] => {
      const gradients = tf.grads((p, q) => apply(p!, q!))([a, b], d);
      return [apply(a, b), ...gradients];
    };
    return {
      exact: all(x!, w!, dy),
      low: inBfloat16(() => all(x!, w!, dy)),
      byHand: all(rounded(x!), rounded(w!), rounded(dy)).map(rounded),
    };
  }

  it.each([
    [
      "a convolution",
      [
        [2, 7, 7, 64],
        [3, 3, 64, 8],
      ],
      1,
    ],
    [
      "a convolution with a stride",
      [
        [2, 8, 8, 16],
        [3, 3, 16, 8],
      ],
      2,
    ],
    [
      "a linear layer",
      [
        [16, 300],
        [300, 24],
      ],
      0,
    ],
  ] as const)("%s rounds its operands, adds up in float32, and rounds its result", (_, shapes, stride) => {
    const apply = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
      stride === 0
        ? layerProduct(x as tf.Tensor2D, w as tf.Tensor2D)
        : tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, "same");
    const { exact, low, byHand } = thrice(shapes as unknown as [number[], number[]], apply);
    for (const [k, tensor] of low.entries()) {
      expect(tensor.dtype).toBe("float32");
      expect(distance(exact[k]!, tensor)).toBeGreaterThan(5e-4);
      expect(distance(exact[k]!, tensor)).toBeLessThan(6e-3);
      // A sum in another order may fall to the other side of a tie.
      expect(distance(byHand[k]!, tensor)).toBeLessThan(3e-4);
    }
  });

  it("ends with the work, also where that fails, and leaves products of losses and tensors alone", () => {
    const { binding } = tf.backend() as unknown as { binding: { getNumOfTensors(): number } };
    const [x, w] = [tf.randomNormal<tf.Rank.R2>([8, 32]), tf.randomNormal<tf.Rank.R2>([32, 8])];
    const exact = tf.matMul(x, w);
    const counts = [tf.memory().numTensors, binding.getNumOfTensors()];
    tf.tidy(() => {
      expect(
        distance(
          exact,
          inBfloat16(() => tf.matMul(x, w)),
        ),
      ).toBe(0);
      expect(
        distance(
          exact,
          inBfloat16(() => layerProduct(x, w)),
        ),
      ).toBeGreaterThan(0);
    });
    expect(() =>
      inBfloat16(() => {
        throw new Error("no");
      }),
    ).toThrow("no");
    tf.tidy(() => {
      expect(distance(exact, layerProduct(x, w))).toBe(0);
    });
    expect([tf.memory().numTensors, binding.getNumOfTensors()]).toEqual(counts);
    tf.dispose([x, w, exact]);
  });

  const spec = `
dataset images = folder("images") { image: gray(12x12), split: zero_shot(train: 0.5) }
model small {
  data: images
  backbone: conv(8, kernel: 3) |> batch_norm |> relu |> max_pool(2) |> conv(8, kernel: 3) |> relu
  embedding: linear(8) |> normalize
  losses { pull: contrastive()  arc: arcface(scale: 16) }
  combine: equal(pull, arc)
  train { batch: 4 classes * 3 samples  optimizer: adam(lr: 3e-3)  precision: PRECISION }
}`;

  async function program(precision: string): Promise<Program> {
    const text = spec.replace("PRECISION", precision);
    const { diagnostics, models } = checkFile(host({ "spec.dml": text }), "spec.dml")!;
    expect(diagnostics).toEqual([]);
    return programOf(models[0]!);
  }

  const asked = async (): Promise<[Program, (step: Step) => Step]> => {
    const low = await program("bfloat16");
    const { used, note, of } = stepPrecision(low, engine);
    expect({ used, note }).toEqual({ used: "bfloat16", note: undefined });
    return [low, of];
  };

  it("are the layers of the step, and nothing else is", async () => {
    const [low, of] = await asked();
    const { binding } = tf.backend() as unknown as NodeBackend;
    const calls: string[] = [];
    const spy = vi.fn<Binding["executeOp"]>((name, attributes, inputs, outputs) => {
      const type = attributes.find((each: OpAttribute) => each.name === "T")?.value;
      if (/^Conv2D|MatMul/.test(name) || type === BFLOAT16) calls.push(`${name} ${type}`);
      return binding.executeOp(name, attributes, inputs, outputs);
    });
    const backend = tf.backend() as unknown as NodeBackend;
    // The binding's own properties are read-only: its functions are handed on.
    const names = Object.getOwnPropertyNames(binding) as (keyof Binding)[];
    const forwarded = Object.fromEntries(names.map((name) => [name, binding[name]]));
    backend.binding = { ...forwarded, executeOp: spy } as unknown as Binding;
    try {
      firstSteps(low, 1, of);
    } finally {
      backend.binding = binding;
    }
    const count = (call: string): number => calls.filter((each) => each === call).length;
    const low16 = calls.filter((call) => call.endsWith(` ${BFLOAT16}`));
    expect(count("Conv2D 14")).toBe(2);
    // No gradient by the images.
    expect(count("Conv2DBackpropInput 14")).toBe(1);
    expect(count("Conv2DBackpropFilter 14")).toBe(2);
    // Two heads, forward and both gradients.
    expect(count("BatchMatMulV2 14")).toBe(6);
    expect(low16).toHaveLength(11);
    // The losses' own.
    expect(count("MatMul 1")).toBeGreaterThan(3);
    expect(calls.filter((call) => call.startsWith("Conv2D") && !call.endsWith("14"))).toEqual([]);
  });

  it("train like float32, within what rounding makes, captured as step by step", async () => {
    const [low, of] = await asked();
    const steps = 30;
    const exact = firstSteps(await program("float32"), steps);
    const plain = firstSteps(low, steps, of);
    const notes: string[] = [];
    const captured = firstSteps(low, steps, (step) => {
      const { step: fast } = capturedStep(engine.recorder, of(step), (note) => notes.push(note));
      return fast;
    });
    expect(notes).toEqual(["training step: captured"]);
    const mean = (list: readonly number[]): number => list.reduce((sum, v) => sum + v) / list.length;
    for (const name of ["pull", "arc"]) {
      const [a, b, c] = [exact, plain, captured].map(({ losses }) => losses.map((each) => each[name]!));
      expect(b).not.toEqual(a);
      for (let k = 0; k < steps; k++) {
        // Steps magnify differences: of rounding to bfloat16 here, of the order of float32's sums there, until one of
        // these makes a number of bfloat16 another.
        expect(Math.abs(b![k]! / a![k]! - 1)).toBeLessThan(2e-3 + 4e-3 * k);
        if (k < 10) expect(Math.abs(c![k]! / b![k]! - 1)).toBeLessThan(1e-5);
      }
      expect(mean(b!.slice(-10))).toBeLessThan(mean(b!.slice(0, 10)));
    }
  });
});
