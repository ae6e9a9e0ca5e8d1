/**
 * A loss as curves: its value and its slope against the similarity of positives, for some similarities of negatives, and
 * the other way round; by the interpreter, in float64. Drawn by `picture.ts`; called by `dmlc try --plot` and the
 * reference pages. Pure.
 *
 * The slope is the total derivative of the value by the similarity, as the embeddings of the probe move with it.
 */
import {
  BudgetError,
  initialParams,
  InterpretError,
  interpreterFor,
  paramShapes,
} from "../interpret/index.ts";
import type { Interpretation, LossBatch, Tensor } from "../interpret/index.ts";
import type { LossInstance, MinerInstance } from "../resolve/values.ts";
import { probeOf } from "./probe.ts";
import type { Probe, ProbeKind } from "./probe.ts";

export interface Curve {
  /** The similarity that is held while the other runs. */
  readonly held: number;
  readonly similarity: readonly number[];
  readonly value: readonly number[];
  /** Derivative of the value by the similarity. */
  readonly slope: readonly number[];
}

export interface LossCurves {
  readonly kind: ProbeKind;
  readonly classes: number;
  /** Samples of the batch. */
  readonly samples: number;
  readonly positive: readonly Curve[];
  readonly negative: readonly Curve[];
}

/** What the other similarity is held at. */
const HELD_NEGATIVES = [0, 0.3, 0.6];
const HELD_POSITIVES = [0.1, 0.4, 0.7];
const POINTS = 97;
/** How far from the end of what is possible a curve ends: there derivatives of unit vectors are unbounded. */
const ROOM = 1e-4;
/** Widths to try: the probe's own, and those that losses on prefixes of the embedding ask for. */
const WIDTHS = [8, 64, 512];
/** Numbers and slopes that one batch may take: a picture takes some hundreds of batches. */
const WORK = 1e6;
/** Classes to try: some losses compare three. */
const CLASSES = [2, 3];

/**
 * The curves of a loss, on the tuples of a miner where one is given; undefined for a loss that does not depend on these
 * similarities. Throws `InterpretError` for one that cannot be interpreted, `BudgetError` for one that is too large.
 */
export function curvesOf(loss: LossInstance, miner?: MinerInstance): LossCurves | undefined {
  let refusal: InterpretError | undefined;
  for (const classes of CLASSES) {
    for (const width of WIDTHS) {
      try {
        const curves = curvesWith(loss, miner, classes, width);
        if (curves !== undefined) return curves;
        break;
      } catch (error) {
        if (!(error instanceof InterpretError) || error instanceof BudgetError) throw error;
        refusal ??= error;
      }
    }
  }
  if (refusal !== undefined) throw refusal;
  return undefined;
}

function curvesWith(
  loss: LossInstance,
  miner: MinerInstance | undefined,
  classes: number,
  width: number,
): LossCurves | undefined {
  const vectors = classVectorsOf(loss);
  const views = loss.declaration.views?.length ?? 1;
  const kind: ProbeKind = vectors.size > 0 ? "class vectors" : views === 2 ? "views" : "samples";
  const probe = probeOf(kind, classes);
  const dim = Math.max(width, probe.dim);
  const params = paramsFor(loss, probe, vectors, dim);
  const at = (positive: number, negative: number): LossBatch => ({
    ...probe.place(positive, negative, dim),
    labels: probe.labels,
    classes,
    params,
  });
  const options = { gradient: true, ...(miner === undefined ? {} : { miner }) };
  const interpret = interpreterFor(loss, at(0.5, 0), options);
  if (interpret(at(0.5, 0)).work > WORK) throw new BudgetError("the loss is too large to draw");
  const curve = (held: number, along: "positive" | "negative"): Curve => {
    const similarity: number[] = [];
    const value: number[] = [];
    const slope: number[] = [];
    for (const s of similarities(probe, held, along)) {
      const [positive, negative] = along === "positive" ? [s, held] : [held, s];
      const answer = interpret(at(positive, negative));
      const placed = probe.place(positive, negative, dim);
      similarity.push(s);
      value.push(answer.value);
      slope.push(slopeAlong(answer, along === "positive" ? placed.byPositive : placed.byNegative));
    }
    return { held, similarity, value, slope };
  };
  const curves: LossCurves = {
    kind,
    classes,
    samples: probe.labels.length,
    positive: HELD_NEGATIVES.map((held) => curve(held, "positive")),
    negative: HELD_POSITIVES.map((held) => curve(held, "negative")),
  };
  return [...curves.positive, ...curves.negative].some(changes) ? curves : undefined;
}

/** Whether a curve leaves its first value, beyond rounding. */
function changes({ value }: Curve): boolean {
  const [low, high] = [Math.min(...value), Math.max(...value)];
  return high - low > 1e-9 * Math.max(1, Math.abs(low), Math.abs(high));
}

/** Where the curve runs: evenly over the similarities that there can be beside the one that is held. */
function similarities(probe: Probe, held: number, along: "positive" | "negative"): number[] {
  const possible = (s: number): boolean =>
    (along === "positive" ? probe.room(s, held) : probe.room(held, s)) >= ROOM;
  const steps = 4000;
  const all = Array.from({ length: steps + 1 }, (_, k) => -1 + (2 * k) / steps).filter(possible);
  const [first, last] = [all[0], all.at(-1)];
  if (first === undefined || last === undefined) return [];
  return Array.from({ length: POINTS }, (_, k) => first + ((last - first) * k) / (POINTS - 1));
}

function slopeAlong({ gradient }: Interpretation, directions: readonly Float64Array[]): number {
  return directions.reduce((sum, direction, v) => {
    const slopes = gradient!.views[v]!;
    return direction.reduce((all, step, k) => all + (step === 0 ? 0 : step * slopes[k]!), sum);
  }, 0);
}

/** Where a parameter that has a vector for each class keeps classes and components among its axes. */
interface VectorAxes {
  readonly classes: number;
  readonly dim: number;
}

/** The parameters that hold vectors of the classes: those with one side that grows with each. */
function classVectorsOf(loss: LossInstance): Map<string, VectorAxes> {
  const dim = WIDTHS.at(-1)!;
  const shapes = paramShapes(loss, { classes: 2, dim });
  const moreClasses = paramShapes(loss, { classes: 3, dim });
  const wider = paramShapes(loss, { classes: 2, dim: dim + 1 });
  const found = new Map<string, VectorAxes>();
  for (const [name, shape] of shapes) {
    const grown = (other: ReadonlyMap<string, readonly number[]>): number[] =>
      shape.flatMap((side, axis) => (other.get(name)![axis] === side ? [] : [axis]));
    const [ofClasses, ofDim] = [grown(moreClasses), grown(wider)];
    if (ofClasses.length === 1 && ofDim.length === 1)
      found.set(name, { classes: ofClasses[0]!, dim: ofDim[0]! });
  }
  return found;
}

/** First values of all parameters, with the class vectors in their places. */
function paramsFor(
  loss: LossInstance,
  probe: Probe,
  vectors: ReadonlyMap<string, VectorAxes>,
  dim: number,
): Map<string, Tensor> {
  const params = initialParams(loss, { classes: probe.classes, dim }, 0);
  for (const [name, axes] of vectors) {
    const { shape } = params.get(name)!;
    const data = new Float64Array(shape.reduce((product, side) => product * side, 1));
    for (let place = 0; place < data.length; place++) {
      const index = indexOf(place, shape);
      data[place] = probe.classVector(index[axes.classes]!)[index[axes.dim]!] ?? 0;
    }
    params.set(name, { shape, data });
  }
  return params;
}

/** The index of a place of a row-major tensor. */
function indexOf(place: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  let rest = place;
  for (const side of shape.toReversed()) {
    index.unshift(rest % side);
    rest = Math.floor(rest / side);
  }
  return index;
}
