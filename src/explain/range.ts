/**
 * Which values a loss can take, as far as intervals prove it, and what it makes of the lengths of embeddings. Pure.
 */
import { boundsOf } from "../ir/analysis/intervals.ts";
import type { Interval } from "../ir/analysis/intervals.ts";
import { NO_RULES } from "../ir/build.ts";
import { Graph } from "../ir/graph.ts";
import type { Dim } from "../ir/graph.ts";
import { lowerLoss } from "../ir/lower/loss.ts";
import type { LoweredLoss } from "../ir/lower/loss.ts";
import { topological } from "../ir/order.ts";
import { optimise } from "../ir/passes/optimise.ts";
import type { LossInstance } from "../resolve/values.ts";

/** Widths that bounds must hold for alike: what depends on the width is no bound. */
const WIDTHS = [67, 1009];

/** On embeddings of unit length, or of any. Throws `LoweringError` for a loss that cannot be built. */
export function rangeOn(instance: LossInstance, unit: boolean): Interval {
  const [narrow, wide] = WIDTHS.map((dim) => boundsAt(lowered(instance, dim), unit));
  return {
    low: narrow!.low === wide!.low ? narrow!.low : -Infinity,
    high: narrow!.high === wide!.high ? narrow!.high : Infinity,
  };
}

function boundsAt({ value }: LoweredLoss, unit: boolean): Interval {
  const size = (side: Dim): Interval =>
    typeof side === "number" ? { low: side, high: side } : { low: 1, high: Infinity };
  return boundsOf([value], { unit: () => unit, size }).get(value)!.value;
}

/**
 * Whether the value is the same whatever the lengths of the embeddings: whether whatever reads them brings them to unit
 * length first. What is not found to is not said to depend on them.
 */
export function ignoresLengths(instance: LossInstance): boolean {
  const [optimised] = optimise(new Graph(), [{ lowered: lowered(instance, WIDTHS[0]!) }], {}, "prune");
  const nodes = topological([optimised!.lowered.value, optimised!.lowered.valid]);
  return nodes.every(
    ({ operation, inputs }) =>
      operation.kind === "normalize" || inputs.every((input) => input.operation.kind !== "input"),
  );
}

function lowered(instance: LossInstance, dim: number): LoweredLoss {
  const count = instance.declaration.views?.length ?? 1;
  const views = Array.from({ length: count }, (_, view) => ({ name: "x", dim, view }));
  return lowerLoss(new Graph(), instance, { path: "loss", views, rules: NO_RULES });
}

/** On unit vectors and on any, where that differs: "within [0, 2] on unit vectors, within [0, ∞) on others". */
export function writeRanges(instance: LossInstance): string {
  const unit = writeRange(rangeOn(instance, true));
  const any = ignoresLengths(instance) ? unit : writeRange(rangeOn(instance, false));
  return unit === any ? `within ${unit}` : `within ${unit} on unit vectors, within ${any} on others`;
}

/** "[0, 2]", "[0, ∞)", "(−∞, ∞)" */
export function writeRange({ low, high }: Interval): string {
  const shown = (value: number): string => String(Number(value.toPrecision(6))).replace("-", "−");
  const from = low === -Infinity ? "(−∞" : `[${shown(low)}`;
  return `${from}, ${high === Infinity ? "∞)" : `${shown(high)}]`}`;
}
