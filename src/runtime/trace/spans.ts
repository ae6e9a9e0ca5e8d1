/**
 * A recording as spans: stretches of time that nest, of operations, of named parts, and of what losses need. Pure; the
 * recording is `record.ts`'s.
 */
import type { Use } from "./loss_use.ts";

export type TensorShape = readonly number[];

/** A stretch of time: a kernel's, a named part's, or that of the whole. Spans of one recording nest. */
export interface Span {
  readonly name: string;
  readonly kind: "whole" | "phase" | "kernel";
  /** The named parts around it, outermost first. */
  readonly phases: readonly string[];
  /** Of a kernel: the losses that need it, in the program's order; none for what is no loss's work. */
  readonly losses: readonly string[];
  /** Milliseconds from the start of the recording. */
  readonly start: number;
  readonly end: number;
  /** Milliseconds less those of the kernels within. */
  readonly own: number;
  /** Shapes of a kernel's tensors, its inputs by their names. */
  readonly inputs: Readonly<Record<string, TensorShape>>;
  readonly outputs: readonly TensorShape[];
}

/** A span as it is recorded, with what runs within. */
export interface Recorded extends Pick<Span, "name" | "kind" | "start" | "inputs"> {
  end: number;
  outputs: readonly TensorShape[];
  readonly within: Recorded[];
  /** What a kernel is for, unless it runs within another. */
  use?: Use;
}

/** A stretch of time that begins. */
export const recorded = (
  kind: Span["kind"],
  name: string,
  start: number,
  inputs: Span["inputs"] = {},
): Recorded => ({ kind, name, start, end: start, inputs, outputs: [], within: [] });

/**
 * The spans of some work, each before those within it, from recordings of it. Each stretch of time, an operation's or that
 * between two, is the shortest of all recordings that run the same operations as the first: what disturbs one from outside
 * seldom disturbs all in the same place.
 */
export function spansOf(recordings: readonly Recorded[]): Span[] {
  const [first] = recordings;
  return flattened(inParts(shortest(recordings.filter((each) => areAlike(each, first!)))));
}

const areAlike = (a: Recorded, b: Recorded): boolean =>
  a.name === b.name &&
  a.within.length === b.within.length &&
  a.within.every((inner, k) => areAlike(inner, b.within[k]!));

function shortest(runs: readonly Recorded[], start = 0): Recorded {
  const [first] = runs;
  const least = (stretch: (run: Recorded) => number): number => Math.min(...runs.map(stretch));
  let end = start;
  const within = first!.within.map((_, k) => {
    end += least((run) => run.within[k]!.start - (run.within[k - 1]?.end ?? run.start));
    const inner = shortest(
      runs.map((run) => run.within[k]!),
      end,
    );
    end = inner.end;
    return inner;
  });
  end += least((run) => run.end - (run.within.at(-1)?.end ?? run.start));
  return { ...first!, start, end, within };
}

/** A recording with the parts that its operations belong to put around them: one around those that follow each other. */
function inParts(span: Recorded): Recorded {
  if (span.kind === "kernel") return span;
  const parts = span.within.map((inner) => ({ inner: inParts(inner), of: inner.use?.parts ?? [] }));
  return { ...span, within: joined(parts) };
}

type Placed = { readonly inner: Recorded; readonly of: readonly string[] };

function joined(spans: readonly Placed[], depth = 0): Recorded[] {
  const all: Recorded[] = [];
  for (let at = 0; at < spans.length;) {
    const { inner, of } = spans[at]!;
    const part = of[depth];
    const next = spans.findIndex((span, k) => k > at && span.of[depth] !== part);
    const run = spans.slice(at, next < 0 ? spans.length : next);
    if (part === undefined) all.push(...run.map((span) => span.inner));
    else {
      const end = run.at(-1)!.inner.end;
      all.push({ ...recorded("phase", part, inner.start), end, within: joined(run, depth + 1) });
    }
    at += run.length;
  }
  return all;
}

function flattened(span: Recorded, phases: readonly string[] = [], losses: readonly string[] = []): Span[] {
  const { name, kind, start, end, inputs, outputs } = span;
  const needing = span.use?.losses ?? losses;
  const own = end - start - kernelsMs(span.within);
  const inside = kind === "phase" ? [...phases, name] : phases;
  return [
    { name, kind, phases, losses: needing, start, end, own, inputs, outputs },
    ...span.within.flatMap((inner) => flattened(inner, inside, needing)),
  ];
}

/** Milliseconds of the kernels in spans; a kernel counts once, with those that it calls. */
function kernelsMs(spans: readonly Recorded[]): number {
  return spans.reduce(
    (ms, { kind, start, end, within }) => ms + (kind === "kernel" ? end - start : kernelsMs(within)),
    0,
  );
}
