/**
 * What a traced step says of its losses, held against programs of one loss each: an operation that it says loss L needs
 * is one that a program of L alone runs, and the other way round.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { record } from "../../src/runtime/trace/record.ts";
import { spansOf } from "../../src/runtime/trace/spans.ts";
import type { Span } from "../../src/runtime/trace/spans.ts";
import { lossCosts, traceTable } from "../../src/runtime/trace/trace_table.ts";
import { smallModel } from "../emit/small_model.ts";
import { firstSteps, programOf } from "../emit/trained.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const LOSSES = {
  rank: "triplet(margin: 0.4) on semi_hard()",
  pull: "contrastive(margin: 0.5)",
  soft: "multi_similarity()",
  many: "soft_triple(centers: 2)",
  arc: "arcface()",
  far: "contrastive(margin: 0.3) against memory(24)",
  move: "moving()",
};
type Name = keyof typeof LOSSES;
const NAMES = Object.keys(LOSSES) as Name[];

/** The spans of the second step of a program of these losses, on one head. */
async function traced(names: readonly Name[], combine?: string): Promise<Span[]> {
  const losses = names.map((name) => `${name}: ${LOSSES[name]}`).join("\n");
  const plan = smallModel(losses, { combine, embedding: "shared linear(8) |> normalize" });
  let spans: Span[] = [];
  firstSteps(await programOf(plan), 2, (step) => (...args) => {
    const { result, recording } = record("training step", () => step(...args));
    spans = spansOf([recording]);
    return result;
  });
  return spans;
}

type Pass = "forward" | "backward";
const shapeText = (shape: readonly number[]): string => `[${shape.join()}]`;
const isKernelOf = (pass: Pass, { kind, phases }: Span): boolean =>
  kind === "kernel" && phases[0] === pass && phases[1] === "losses";

/**
 * How often a pass runs each operation that a loss needs, in alphabetical order. Copies that the recording makes are left
 * out: how many there are depends on what else is recorded.
 */
function operationsFor(spans: readonly Span[], pass: Pass, loss: Name): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const span of spans) {
    if (!isKernelOf(pass, span) || !span.losses.includes(loss) || span.name === "Identity") continue;
    const operation = `${span.name} ${[...Object.values(span.inputs), ...span.outputs].map(shapeText).join(" ")}`;
    counts[operation] = (counts[operation] ?? 0) + 1;
  }
  return counts;
}

/** Gradients that several losses give one tensor are added up, which a program of one loss need not do. */
const withoutSums = (counts: Record<string, number>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(counts).filter(([operation]) => !/^Add (\[[\d,]+\]) \1 \1$/.test(operation)),
  );

describe("the operations that a traced step says a loss needs", () => {
  let together: Span[];
  beforeAll(async () => {
    together = await traced(NAMES);
  });

  // Alone, multi_similarity takes its cosines from unit vectors, beside others from their Gram matrix.
  test.each(NAMES.filter((name) => name !== "soft"))("are those of a program of %s alone", async (name) => {
    const alone = await traced([name], name);
    const [forward, backward] = [
      operationsFor(alone, "forward", name),
      operationsFor(alone, "backward", name),
    ];
    expect(Object.keys(forward).length).toBeGreaterThan(10);
    expect(Object.keys(backward).length).toBeGreaterThan(10);
    expect(operationsFor(together, "forward", name)).toEqual(forward);
    expect(withoutSums(operationsFor(together, "backward", name))).toEqual(withoutSums(backward));
    for (const pass of ["forward", "backward"] as const) {
      for (const span of alone) if (isKernelOf(pass, span)) expect(span.losses).toEqual([name]);
    }
  });

  test("leave none of the losses' operations out", () => {
    for (const pass of ["forward", "backward"] as const) {
      const kernels = together.filter((span) => isKernelOf(pass, span));
      expect(kernels.length).toBeGreaterThan(200);
      for (const { losses } of kernels) expect(losses.length).toBeGreaterThan(0);
    }
  });

  test("stand in parts that name the losses", () => {
    const parts = together.filter(({ kind, phases }) => kind === "phase" && phases[1] === "losses");
    const of = (pass: Pass): Set<string> =>
      new Set(parts.filter(({ phases }) => phases[0] === pass).map(({ name }) => name));
    for (const pass of ["forward", "backward"] as const) {
      for (const name of NAMES) expect(of(pass)).toContain(`losses/${name}`);
      expect(of(pass)).toContain("shared by many, arc");
    }
    for (const { kind, phases, losses } of together) {
      if (kind === "kernel" && losses.length === 1) expect(phases).toContain(`losses/${losses[0]}`);
    }
  });

  test("of gradients taken loss by loss, are each that one loss's, sums and all", async () => {
    const each = await traced(["rank", "pull"], "pcgrad(rank, pull)");
    for (const name of ["rank", "pull"] as const) {
      const alone = await traced([name], name);
      expect(operationsFor(each, "backward", name)).toEqual(operationsFor(alone, "backward", name));
    }
    for (const span of each) if (isKernelOf("backward", span)) expect(span.losses).toHaveLength(1);
  });

  test("for gradients that a strategy measures belong to the combination", async () => {
    const measured = await traced(["rank", "many"], "equal(rank, many, scale: gradient_norm)");
    const within = measured.filter(({ kind, phases }) => kind === "kernel" && phases[1] === "combine");
    for (const name of ["rank", "many"] as const) {
      expect(within.map(({ phases }) => phases.join("/"))).toContain(`forward/combine/losses/losses/${name}`);
    }
    const alone = await traced(["rank", "many"]);
    const counted = (spans: readonly Span[]): readonly string[][] =>
      lossCosts(spans)
        .map(({ losses }) => [...losses])
        .sort();
    expect(counted(measured)).toEqual(counted(alone));
  });
});

test("the table says what each loss takes and what several share, forward and backward", () => {
  const kernel = (phases: readonly string[], losses: readonly string[], own: number): Span => ({
    name: "Add",
    kind: "kernel",
    phases,
    losses,
    start: 0,
    end: own,
    own,
    inputs: { a: [4], b: [4] },
    outputs: [[4]],
  });
  const whole = { name: "training step", kind: "whole", phases: [], losses: [], start: 0, end: 20 } as const;
  const forward = ["forward", "losses"];
  const spans: Span[] = [
    { ...whole, own: 0, inputs: {}, outputs: [] },
    kernel(forward, ["arc", "rank"], 2),
    kernel([...forward, "losses/arc"], ["arc"], 0.5),
    kernel([...forward, "losses/rank"], ["rank"], 3),
    kernel(["forward", "combine"], ["rank"], 3),
    kernel(["backward", "losses"], ["rank"], 1.25),
    kernel(["backward", "losses"], ["a", "b", "c", "d", "e"], 0.25),
    kernel(["backward", "embed"], [], 5),
  ];
  const table = traceTable({ spans, returnsEarly: false }).split("\n");
  expect(table.slice(-6)).toEqual([
    "what each loss alone needs, and what several of them share:",
    "  loss                          forward ms  backward ms  share",
    "  rank                                3.00         1.25  21.3%",
    "  shared by arc, rank                 2.00         0.00  10.0%",
    "  arc                                 0.50         0.00   2.5%",
    "  shared by a, b, c and 2 more        0.00         0.25   1.3%",
  ]);
});
