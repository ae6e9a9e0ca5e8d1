/**
 * Small batches in which every positive pair has one similarity and every negative pair another, and how their embeddings
 * move as either changes: what a loss is drawn against. Called by `curves.ts`. Pure.
 *
 * Cosines of unit vectors are not free: a pair that is alike keeps both at one distance from a third. Each probe says
 * which similarities there can be.
 */
import type { Matrix } from "../interpret/index.ts";

/** What the similarities are between. */
export type ProbeKind =
  /** samples of the batch, two of each class */
  | "samples"
  /** the two views of a sample, and those of different samples */
  | "views"
  /** a sample and its class's vector, and the vectors of other classes */
  | "class vectors";

/** Embeddings at given similarities, and their derivatives by each of the two. */
export interface Placed {
  readonly views: readonly Matrix[];
  readonly byPositive: readonly Float64Array[];
  readonly byNegative: readonly Float64Array[];
}

export interface Probe {
  readonly kind: ProbeKind;
  readonly classes: number;
  /** Class of each row. */
  readonly labels: readonly number[];
  /** Components that the vectors need. */
  readonly dim: number;
  /** How far inside the similarities that there can be these lie; below 0 where there are no such vectors. */
  room(positive: number, negative: number): number;
  /** The rows at `dim` components or more, where there is room. */
  place(positive: number, negative: number, dim: number): Placed;
  /** The vector of a class, to be placed among `dim` components; only for `class vectors`. */
  classVector(label: number): readonly number[];
}

/** A coordinate and its derivatives by the positive and the negative similarity. */
type Coordinate = readonly [value: number, byPositive: number, byNegative: number];

export function probeOf(kind: ProbeKind, classes: number): Probe {
  return kind === "class vectors" ? classVectors(classes) : pairs(kind, classes);
}

/**
 * x_{c,k} = a·g + b·(e_c - mean of e) ± d·r_c with orthonormal g, e_c, r_c: the two rows of a class differ in the sign, and
 * a² + b²(C-1)/C - d² = s_p, a² - b²/C = s_n, a² + b²(C-1)/C + d² = 1.
 */
function pairs(kind: "samples" | "views", classes: number): Probe {
  const dim = 1 + 2 * classes;
  const squares = (p: number, n: number): [number, number, number] => {
    const b = (1 + p) / 2 - n;
    return [n + b / classes, b, (1 - p) / 2];
  };
  const coordinates = (p: number, n: number): [Coordinate, Coordinate, Coordinate] => {
    const [a, b, d] = squares(p, n);
    return [
      root(a, 1 / (2 * classes), 1 - 1 / classes),
      root(b, 1 / 2, -1),
      // The derivative by the negative similarity is 0.
      root(d, -1 / 2, 0),
    ];
  };
  const rowOf = (label: number, sign: 1 | -1, p: number, n: number): Coordinate[] => {
    const [a, b, d] = coordinates(p, n);
    const shared = Array.from({ length: classes }, (_, c) => times(b, (c === label ? 1 : 0) - 1 / classes));
    const own = Array.from({ length: classes }, (_, c) => times(d, c === label ? sign : 0));
    return [a, ...shared, ...own];
  };
  const labelled = Array.from({ length: classes }, (_, label) => label);
  return {
    kind,
    classes,
    labels: kind === "views" ? labelled : labelled.flatMap((label) => [label, label]),
    dim,
    room: (p, n) => Math.min(...squares(p, n)),
    place: (p, n, width) => {
      const first = labelled.map((label) => rowOf(label, 1, p, n));
      const second = labelled.map((label) => rowOf(label, -1, p, n));
      const views = kind === "views" ? [first, second] : [labelled.flatMap((c) => [first[c]!, second[c]!])];
      return placed(views, width);
    },
    classVector: () => [],
  };
}

/** x_c = s_p·w_c + s_n·(the other class vectors) + what is left along r_c, the class vectors at right angles. */
function classVectors(classes: number): Probe {
  const left = (p: number, n: number): number => 1 - p * p - (classes - 1) * n * n;
  const labels = Array.from({ length: classes }, (_, label) => label);
  return {
    kind: "class vectors",
    classes,
    labels,
    dim: 2 * classes,
    room: left,
    place: (p, n, width) => {
      const rest = root(left(p, n), -2 * p, -2 * (classes - 1) * n);
      const rows = labels.map((label) => [
        ...labels.map((c): Coordinate => (c === label ? [p, 1, 0] : [n, 0, 1])),
        ...labels.map((c) => times(rest, c === label ? 1 : 0)),
      ]);
      return placed([rows], width);
    },
    classVector: (label) => labels.map((c) => (c === label ? 1 : 0)),
  };
}

/** The root of a number with these derivatives. */
function root(square: number, byPositive: number, byNegative: number): Coordinate {
  const value = Math.sqrt(square);
  return [value, byPositive / (2 * value), byNegative / (2 * value)];
}

function times([value, byPositive, byNegative]: Coordinate, factor: number): Coordinate {
  return [value * factor, byPositive * factor, byNegative * factor];
}

function placed(views: readonly (readonly (readonly Coordinate[])[])[], width: number): Placed {
  const part = (rows: readonly (readonly Coordinate[])[], which: 0 | 1 | 2): Float64Array => {
    const data = new Float64Array(rows.length * width);
    rows.forEach((row, r) => row.forEach((coordinate, t) => (data[r * width + t] = coordinate[which])));
    return data;
  };
  return {
    views: views.map((rows) => ({ rows: rows.length, columns: width, data: part(rows, 0) })),
    byPositive: views.map((rows) => part(rows, 1)),
    byNegative: views.map((rows) => part(rows, 2)),
  };
}
