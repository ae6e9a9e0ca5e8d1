/** The profile of a training step as text for a terminal: its dearest operations. Pure; called by the run. */
import type { Span, TensorShape } from "./record.ts";
import type { StepTrace } from "./step_trace.ts";
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

const ROWS = 10;
/** More shapes than these of one operation are counted, not listed. */
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
  const table = [["operation", "shapes", "calls", "ms", "share"], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map((row) =>
    row
      .map((cell, c) => (c < 2 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!)))
      .join("  ")
      .trimEnd(),
  );
  const each = parts.map(({ name, start, end }) => `${name} ${milliseconds(end - start)}`);
  return [
    `a training step, operation by operation: ${milliseconds(total)} ms (${each.join(", ")})`,
    `${calls} operations take ${milliseconds(within)} ms of it; the dearest:`,
    ...lines.map((text) => `  ${text}`),
    ...(returnsEarly ? [`note: ${EARLY_NOTE}`] : []),
  ].join("\n");
}

const listed = (shapes: readonly TensorShape[]): string => {
  const texts = shapes.map((shape) => `[${shape.join()}]`);
  if (texts.length <= LISTED) return texts.join(" ");
  return `${texts.slice(0, LISTED - 1).join(" ")} and ${texts.length - LISTED + 1} more`;
};

const milliseconds = (ms: number): string => (ms >= 100 ? ms.toFixed(0) : ms.toFixed(ms >= 10 ? 1 : 2));
