/** The profile of a training step as text for a terminal: its losses and its dearest operations. Pure; called by the run. */
import type { Span, TensorShape } from "./spans.ts";
import type { StepTrace } from "./step_trace.ts";
import { LOSSES } from "./loss_use.ts";
import { EARLY_NOTE } from "./trace_file.ts";

/** Operations of one kernel on tensors of the same shapes. */
export interface Operation {
  readonly name: string;
  /** `[24,144] [144,16] -> [24,16]` */
  readonly shapes: string;
  readonly calls: number;
  /** Milliseconds of all calls, without kernels that they call. */
  readonly ms: number;
}

/** What a loss costs alone, or several that share work. */
export interface LossCost {
  readonly losses: readonly string[];
  /** Milliseconds of the operations that these losses need and no other does. */
  readonly forward: number;
  readonly backward: number;
}

const ROWS = 10;
/** More shapes than these of one operation, and more losses that share work, are counted, not listed. */
const LISTED = 4;

/** The operations of a step, the dearest first. */
export function operationsOf(spans: readonly Span[]): Operation[] {
  const byKind = new Map<string, Operation>();
  for (const span of spans) {
    if (span.kind !== "kernel") continue;
    const shapes = `${listed(Object.values(span.inputs))} -> ${listed(span.outputs)}`.trimStart();
    const key = `${span.name} ${shapes}`;
    const { calls, ms } = byKind.get(key) ?? { calls: 0, ms: 0 };
    byKind.set(key, { name: span.name, shapes, calls: calls + 1, ms: ms + span.own });
  }
  return [...byKind.values()].sort((a, b) => b.ms - a.ms);
}

/**
 * What the losses of a step cost, the dearest first: each for what only it needs, and those that share work, together, for
 * that. What strategies have measured of losses belongs to the combination.
 */
export function lossCosts(spans: readonly Span[]): LossCost[] {
  const byLosses = new Map<string, LossCost>();
  for (const { kind, losses, phases, own } of spans) {
    const inForward = phases[0] === "forward" && phases[1] === LOSSES;
    const inBackward = phases[0] === "backward";
    if (kind !== "kernel" || losses.length === 0 || !(inForward || inBackward)) continue;
    const key = losses.join();
    const { forward, backward } = byLosses.get(key) ?? { forward: 0, backward: 0 };
    const more = { forward: inForward ? own : 0, backward: inBackward ? own : 0 };
    byLosses.set(key, { losses, forward: forward + more.forward, backward: backward + more.backward });
  }
  return [...byLosses.values()].sort((a, b) => b.forward + b.backward - a.forward - a.backward);
}

/** The table: what the step and its parts took, then the ten dearest operations with their share of the step. */
export function traceTable({ spans, returnsEarly }: StepTrace): string {
  const [whole] = spans;
  const total = whole!.end - whole!.start;
  const operations = operationsOf(spans);
  const calls = operations.reduce((sum, operation) => sum + operation.calls, 0);
  const within = operations.reduce((sum, { ms }) => sum + ms, 0);
  const parts = spans.filter(({ kind, phases }) => kind === "phase" && phases.length === 0);
  const share = (ms: number): string => `${((100 * ms) / total).toFixed(1)}%`;
  const rows = operations
    .slice(0, ROWS)
    .map(({ name, shapes, calls: times, ms }) => [name, shapes, String(times), milliseconds(ms), share(ms)]);
  const costs = lossCosts(spans).map(({ losses, forward, backward }) => [
    lossesText(losses),
    milliseconds(forward),
    milliseconds(backward),
    share(forward + backward),
  ]);
  const each = parts.map(({ name, start, end }) => `${name} ${milliseconds(end - start)}`);
  return [
    `a training step, operation by operation: ${milliseconds(total)} ms (${each.join(", ")})`,
    `${calls} operations take ${milliseconds(within)} ms of it; the dearest:`,
    ...aligned([["operation", "shapes", "calls", "ms", "share"], ...rows], 2),
    ...(costs.length === 0
      ? []
      : [
          "what each loss alone needs, and what several of them share:",
          ...aligned([["loss", "forward ms", "backward ms", "share"], ...costs], 1),
        ]),
    ...(returnsEarly ? [`note: ${EARLY_NOTE}`] : []),
  ].join("\n");
}

/** Rows of cells in columns, the first `left` of them flush left. */
function aligned(table: readonly (readonly string[])[], left: number): string[] {
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table.map((row) => {
    const cells = row.map((cell, c) => (c < left ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!)));
    return `  ${cells.join("  ").trimEnd()}`;
  });
}

function lossesText(losses: readonly string[]): string {
  if (losses.length === 1) return losses[0]!;
  if (losses.length <= LISTED) return `shared by ${losses.join(", ")}`;
  return `shared by ${losses.slice(0, LISTED - 1).join(", ")} and ${losses.length - LISTED + 1} more`;
}

const listed = (shapes: readonly TensorShape[]): string => {
  const texts = shapes.map((shape) => `[${shape.join()}]`);
  if (texts.length <= LISTED) return texts.join(" ");
  return `${texts.slice(0, LISTED - 1).join(" ")} and ${texts.length - LISTED + 1} more`;
};

const milliseconds = (ms: number): string => (ms >= 100 ? ms.toFixed(0) : ms.toFixed(ms >= 10 ? 1 : 2));
