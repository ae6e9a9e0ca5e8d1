/** `--trace`: the profile of a training step, and that a run with it gives what a run without it gives. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startEngine } from "../../src/runtime/engine/index.ts";
import type { Reporter } from "../../src/runtime/report/progress.ts";
import { phase } from "../../src/runtime/trace/phase.ts";
import { record } from "../../src/runtime/trace/record.ts";
import { spansOf } from "../../src/runtime/trace/spans.ts";
import type { Recorded, Span } from "../../src/runtime/trace/spans.ts";
import { operationsOf, traceTable } from "../../src/runtime/trace/trace_table.ts";
import { runInto, silent } from "./running.ts";
import { shapesProgram } from "./shapes.ts";

const folder = mkdtempSync(join(tmpdir(), "dmlc-trace-"));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(async () => {
  await startEngine("wasm");
});

/** Every span lies within the last one before it that has not ended. */
function expectNested(spans: readonly { readonly start: number; readonly end: number }[]): void {
  const open: { readonly start: number; readonly end: number }[] = [];
  for (const span of spans) {
    expect(span.end).toBeGreaterThanOrEqual(span.start);
    while (open.length > 0 && open.at(-1)!.end <= span.start) open.pop();
    if (open.length > 0) expect(span.end).toBeLessThanOrEqual(open.at(-1)!.end + 1e-6);
    open.push(span);
  }
}

describe("recording spans", () => {
  test("times kernels with their shapes, in the parts they run in, and puts the kernels back", () => {
    const kernels = tf.getKernelsForBackend("wasm");
    const before = kernels.map((config) => config.kernelFunc);
    const [a, b] = [tf.ones<tf.Rank.R2>([3, 5]), tf.ones<tf.Rank.R2>([5, 2])];
    const { result, recording } = record("all", () =>
      phase("outer", () => phase("inner", () => tf.tidy(() => tf.matMul(a, b)))),
    );
    expect(result.shape).toEqual([3, 2]);
    const spans = spansOf([recording]);
    expect(spans[0]).toMatchObject({ name: "all", kind: "whole", phases: [] });
    const product = spans.find(({ name }) => name === "BatchMatMul")!;
    expect(product.phases).toEqual(["outer", "inner"]);
    expect(Object.values(product.inputs).map((shape) => shape.slice(-2))).toEqual([
      [3, 5],
      [5, 2],
    ]);
    expect(product.outputs.map((shape) => shape.slice(-2))).toEqual([[3, 2]]);
    expectNested(spans);
    expect(kernels.map((config) => config.kernelFunc)).toEqual(before);
    tf.dispose([a, b, result]);
  });

  test("counts the time of a kernel within another once", () => {
    const backendName = "wasm";
    const until = (ms: number): void => {
      const end = performance.now() + ms;
      while (performance.now() < end);
    };
    tf.registerKernel({
      kernelName: "TraceTestInner",
      backendName,
      kernelFunc: ({ inputs }) => (
        until(4),
        tf.engine().runKernel("Identity", { x: inputs["x"] as tf.Tensor })
      ),
    } as tf.KernelConfig);
    tf.registerKernel({
      kernelName: "TraceTestOuter",
      backendName,
      kernelFunc: ({ inputs }) => (until(2), tf.engine().runKernel("TraceTestInner", inputs as never)),
    } as tf.KernelConfig);
    try {
      const x = tf.ones([2]);
      const { recording, result } = record("all", () =>
        tf.engine().runKernel("TraceTestOuter", { x } as never),
      );
      const spans = spansOf([recording]);
      const of = (name: string): Span => spans.find((span) => span.name === name)!;
      const [outer, inner] = [of("TraceTestOuter"), of("TraceTestInner")];
      expect(outer.end - outer.start).toBeGreaterThanOrEqual(6);
      expect(outer.own).toBeCloseTo(outer.end - outer.start - (inner.end - inner.start), 6);
      expect(operationsOf(spans).reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(
        outer.end - outer.start,
        6,
      );
      tf.dispose([x, result as tf.Tensor]);
    } finally {
      tf.unregisterKernel("TraceTestInner", backendName);
      tf.unregisterKernel("TraceTestOuter", backendName);
    }
  });

  test("puts the kernels back when the work fails", () => {
    const before = tf.getKernel("Add", "wasm").kernelFunc;
    expect(() =>
      record("all", () =>
        phase("part", () => {
          throw new Error("no");
        }),
      ),
    ).toThrow("no");
    expect(tf.getKernel("Add", "wasm").kernelFunc).toBe(before);
    expect(phase("part", () => 7)).toBe(7);
  });

  test("of several recordings of the same operations each stretch of time is the shortest", () => {
    const stretch = (kind: Span["kind"], name: string, start: number, end: number): Recorded => ({
      kind,
      name,
      start,
      end,
      inputs: {},
      outputs: [],
      within: [],
    });
    const run = (before: number, first: number, between: number, second: number, after: number): Recorded => {
      const [a, b, c] = [before, before + first, before + first + between];
      const within = [stretch("kernel", "Add", a, b), stretch("kernel", "Mul", c, c + second)];
      const part = { ...stretch("phase", "part", 0, c + second + after), within };
      return { ...stretch("whole", "all", 0, part.end), within: [part] };
    };
    const spans = spansOf([run(1, 9, 2, 1, 0), run(1, 2, 5, 4, 1), { ...run(0, 0, 0, 0, 0), within: [] }]);
    expect(spans.map(({ name, start, end, own }) => [name, start, end, own])).toEqual([
      ["all", 0, 6, 3],
      ["part", 0, 6, 3],
      ["Add", 1, 3, 2],
      ["Mul", 5, 6, 1],
    ]);
  });

  test("the table adds up calls of one operation and says where times are those of issuing", () => {
    const kernel = (start: number, own: number, name: string): Span => ({
      name,
      kind: "kernel",
      phases: ["forward"],
      losses: [],
      start,
      end: start + own,
      own,
      inputs: { a: [4, 2], b: [2] },
      outputs: [[4, 2]],
    });
    const none = { losses: [], inputs: {}, outputs: [] };
    const spans: Span[] = [
      { name: "training step", kind: "whole", phases: [], start: 0, end: 10, own: 4, ...none },
      { name: "forward", kind: "phase", phases: [], start: 0, end: 8, own: 2, ...none },
      kernel(0, 1, "Add"),
      kernel(1, 3, "Mul"),
      kernel(4, 4, "Add"),
    ];
    expect(traceTable({ spans, returnsEarly: false })).toBe(
      [
        "a training step, operation by operation: 10.0 ms (forward 8.00)",
        "3 operations take 8.00 ms of it; the dearest:",
        "  operation  shapes              calls    ms  share",
        "  Add        [4,2] [2] -> [4,2]      2  5.00  50.0%",
        "  Mul        [4,2] [2] -> [4,2]      1  3.00  30.0%",
      ].join("\n"),
    );
    expect(traceTable({ spans, returnsEarly: true })).toMatch(/note: operations on a GPU return before/);
  });
});

/** The layers of `shapesProgram`, in the order in which they run. */
const LAYERS = [
  "backbone/1.conv",
  "backbone/2.batch_norm",
  "backbone/5.conv",
  "backbone/6.batch_norm",
  "heads/pull/1.linear",
  "heads/soft/1.linear",
];
const LOSSES = ["losses/pull", "losses/soft"];

interface TraceEvent {
  readonly name: string;
  readonly cat?: string;
  readonly ph: "X" | "M";
  readonly ts: number;
  readonly dur: number;
  readonly args: {
    readonly own: number;
    readonly outputs?: number[][];
    readonly phase?: string;
    readonly losses?: string[];
  };
}

const said: string[] = [];
const reporter: Reporter = { ...silent, message: (text) => said.push(text) };

async function run(name: string, trace: boolean): Promise<{ out: string; results: object }> {
  const out = join(folder, name);
  const results = await runInto(out, shapesProgram(), { steps: 12, trace, reporter });
  return { out, results: { ...results, timing: undefined } };
}

describe("a run with --trace", () => {
  test("writes trace.json, says the dearest operations, and gives what a run without gives", async () => {
    const tensors = tf.memory().numTensors;
    const traced = await run("traced", true);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(said.join("\n")).toMatch(/operation +shapes +calls +ms +share\n +\w+ +\[/);
    expect(said.join("\n")).toMatch(/profile of the step: .*trace\.json; a step of training took/);

    const { traceEvents, otherData } = JSON.parse(readFileSync(join(traced.out, "trace.json"), "utf8")) as {
      traceEvents: TraceEvent[];
      otherData: Record<string, unknown>;
    };
    expect(otherData).toMatchObject({ model: "shape_search", engine: "wasm", seed: 7, captured: true });
    expect(otherData["training_ms_per_step"]).toBeGreaterThan(0);
    const events = traceEvents.filter(({ ph }) => ph === "X");
    expectNested(events.map(({ ts, dur }) => ({ start: ts, end: ts + dur })));
    const [step] = events;
    expect(step!.name).toBe("training step");
    const phases = events.filter(({ cat }) => cat === "phase").map(({ name }) => name);
    const backward = phases.splice(phases.indexOf("backward"));
    const parts = ["forward", "embed", "losses", "combine"];
    expect(phases.filter((name) => parts.includes(name))).toEqual(parts);
    // Layers and losses by their paths in the spec.
    expect(phases.filter((name) => !parts.includes(name))).toEqual([...LAYERS, ...LOSSES]);
    expect(backward.filter((name) => parts.includes(name))).toEqual(["combine", "losses", "embed"]);
    expect(new Set(backward)).toEqual(
      new Set(["backward", "optimizer", ...parts.slice(1), ...LAYERS, ...LOSSES]),
    );
    const kernels = events.filter(({ args }) => args.outputs !== undefined);
    for (const { name, args, dur } of kernels) {
      expect(tf.getKernel(name, "wasm")).toBeDefined();
      expect(dur).toBeGreaterThanOrEqual(args.own - 1e-3);
    }
    expect(new Set(kernels.map(({ cat }) => cat))).toEqual(new Set(["forward", "backward", "optimizer"]));
    const namesIn = (phase: string): string[] =>
      kernels.filter(({ args }) => args.phase === phase).map(({ name }) => name);
    expect(namesIn(`forward/embed/${LAYERS[0]}`)).toContain("Conv2D");
    expect(namesIn(`backward/embed/${LAYERS[0]}`)).toContain("Conv2DBackpropFilter");
    const ofPull = kernels.filter(({ args }) => args.phase === "forward/losses/losses/pull");
    expect(ofPull.length).toBeGreaterThan(3);
    for (const { args } of ofPull) expect(args.losses).toEqual(["pull"]);
    const own = kernels.reduce((sum, { args }) => sum + args.own, 0);
    expect(own).toBeGreaterThan(0);
    expect(own).toBeLessThanOrEqual(step!.dur);

    // Into the same folder as before: the profile of the earlier run would not be this one's.
    const [results, weights] = [traced.results, readFileSync(join(traced.out, "weights.safetensors"))];
    const plain = await run("traced", false);
    expect(plain.results).toEqual(results);
    expect(readFileSync(join(plain.out, "weights.safetensors")).equals(weights)).toBe(true);
    expect(existsSync(join(plain.out, "trace.json"))).toBe(false);
  });
});
