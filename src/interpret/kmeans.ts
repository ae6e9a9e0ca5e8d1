/**
 * `kmeans[i | guards](u(i), clusters)`: the number of the cluster that the point i falls into, without gradient. Called by
 * `evaluate.ts`. Pure.
 *
 * Laws, the same on every engine:
 *   The first centre is the first point that the guards let in; each further one is the point farthest from all centres so
 *   far, the first of several. Two points within 1e-6 · (|u|² + |v|²) of each other, squared, are one here: where no point is
 *   apart from all centres, there are fewer clusters than asked for.
 *   Then ten rounds of Lloyd's algorithm: every point goes to the nearest centre, the one of lowest number at a tie, and
 *   every centre that has points goes to their mean.
 *   A point that the guards leave out is in no cluster: absent.
 */
import { TUPLES } from "./budget.ts";
import type { Evaluation } from "./evaluate.ts";
import { BudgetError, InterpretError } from "./errors.ts";
import type { Node } from "./nodes.ts";
import { NEARLY_EQUAL } from "./reduce.ts";
import { along, valuesOf } from "./solve.ts";
import { ABSENT } from "./tape.ts";
import type { Slot } from "./tape.ts";

type Kmeans = Node & { kind: "kmeans" };

/** Rounds of Lloyd's algorithm. */
const ROUNDS = 10;

/** Stands for a point that is in no cluster. */
const NONE = -1;

export function kmeans(e: Evaluation, node: Kmeans): Slot {
  const index = e.index(node.at);
  if (index < 0) return ABSENT;
  const { point, component, coordinate, guards } = node;
  const at = index - point.start;
  const key = `${node.id} ${valuesOf([coordinate, ...guards], [point, component])}`;
  let numbers = e.clusterings.get(key);
  if (numbers === undefined) e.clusterings.set(key, (numbers = clusteringOf(e, node)));
  if (at < 0 || at >= numbers.length)
    throw new InterpretError(`index ${index} is outside the ${numbers.length} points`);
  return numbers[at] === NONE ? ABSENT : e.tape.constant(numbers[at]!);
}

/** The cluster of each value of the index of points. */
function clusteringOf(e: Evaluation, { point, component, coordinate, guards, clusters }: Kmeans): number[] {
  const points = along(point, () => {
    if (!guards.every((guard) => e.test(guard))) return undefined;
    const numbers = along(component, () => e.read(coordinate));
    return numbers.some((value) => value === undefined) ? undefined : (numbers as number[]);
  });
  e.visited += points.length * Math.min(clusters, points.length) * (ROUNDS + 2);
  if (e.visited > TUPLES) throw new BudgetError("the batch has too many points to interpret this loss");
  const numbers = clusterNumbers(
    points.filter((each) => each !== undefined),
    clusters,
  );
  return points.map((each) => (each === undefined ? NONE : numbers.shift()!));
}

/** The number of each point's cluster, 0 to `clusters` - 1. */
export function clusterNumbers(points: readonly (readonly number[])[], clusters: number): number[] {
  const centers = farthestFirst(points, clusters);
  for (let round = 0; round < ROUNDS; round++) {
    const numbers = points.map((point) => nearest(point, centers));
    centers.forEach((_, c) => {
      const members = points.filter((_, i) => numbers[i] === c);
      if (members.length > 0) centers[c] = meanOf(members);
    });
  }
  return points.map((point) => nearest(point, centers));
}

function farthestFirst(points: readonly (readonly number[])[], clusters: number): (readonly number[])[] {
  const [first] = points;
  if (first === undefined) return [];
  const centers = [first];
  const distances = points.map((point) => apart(point, first));
  while (centers.length < clusters) {
    const farthest = distances.indexOf(distances.reduce((a, b) => Math.max(a, b)));
    if (distances[farthest] === 0) break;
    const center = points[farthest]!;
    centers.push(center);
    points.forEach((point, i) => {
      distances[i] = Math.min(distances[i]!, apart(point, center));
    });
  }
  return centers;
}

function nearest(point: readonly number[], centers: readonly (readonly number[])[]): number {
  const distances = centers.map((center) => squaredDistance(point, center));
  return distances.indexOf(distances.reduce((a, b) => Math.min(a, b)));
}

const meanOf = (points: readonly (readonly number[])[]): number[] =>
  points[0]!.map((_, t) => points.reduce((sum, point) => sum + point[t]!, 0) / points.length);

const squaredDistance = (u: readonly number[], v: readonly number[]): number =>
  u.reduce((sum, value, t) => sum + (value - v[t]!) ** 2, 0);

const squaredLength = (u: readonly number[]): number => u.reduce((sum, value) => sum + value * value, 0);

/** The squared distance of two points, 0 for those that are one. */
function apart(u: readonly number[], v: readonly number[]): number {
  const distance = squaredDistance(u, v);
  return distance <= NEARLY_EQUAL * (squaredLength(u) + squaredLength(v)) ? 0 : distance;
}
