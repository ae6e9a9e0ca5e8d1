/**
 * `solve[q, u](matrix, right)`: the number x[u] of the system Σ_u matrix(q, u) x[u] = right(q) for every q. Called by
 * `evaluate.ts`. Pure.
 *
 * Laws:
 *   A matrix is singular if elimination with row exchanges meets a pivot of at most 1e-6 of its largest entry; the
 *   solution of a singular system is 0 with zero gradient, as `ratio(a, 0)` is. A system with an absent entry has an absent
 *   solution.
 *   The gradient is that of the solution, not of the elimination: with λ the solution of the transposed system for the
 *   gradient of x, that of `right` is λ and that of `matrix` -λ xᵀ. On the tape: what is left of each equation,
 *   right - matrix · x, is a number that is 0, and x is itself plus the inverse times what is left.
 */
import { EQUATIONS } from "./budget.ts";
import type { Evaluation } from "./evaluate.ts";
import { BudgetError, InterpretError } from "./errors.ts";
import type { Node, Variable } from "./nodes.ts";
import { ABSENT } from "./tape.ts";
import type { Slot } from "./tape.ts";

type Solve = Node & { kind: "solve" };

/** A pivot of at most this share of the largest entry makes a matrix singular: what float32 cannot tell from 0. */
const SINGULAR = 1e-6;

interface System {
  readonly key: string;
  /** Places of the entries on the tape, row by row; undefined if one is absent. */
  readonly entries: readonly Slot[] | undefined;
  /** Undefined where there is none. */
  readonly inverse: Float64Array | undefined;
}

/** What has been solved in one evaluation, by node and the values of what it depends on. */
export class Systems {
  readonly matrices = new Map<string, System>();
  /** Places of a solution's numbers on the tape; undefined where it is absent. */
  readonly solutions = new Map<string, readonly Slot[] | undefined>();
  /** The same by matrix and the places of the right side: one solution for right sides that are written differently. */
  readonly byRight = new Map<string, readonly Slot[] | undefined>();
}

export function solve(e: Evaluation, node: Solve): Slot {
  const index = e.index(node.at);
  if (index < 0) return ABSENT;
  const { equation, unknown } = node;
  const at = index - unknown.start;
  if (at < 0 || at >= unknown.size!)
    throw new InterpretError(`index ${index} is outside a solution of ${unknown.size!} numbers`);
  const key = `${node.matrix.id} ${node.right.id} ${unknown.id} ${valuesOf([node.matrix, node.right], [equation, unknown])}`;
  const { solutions } = e.systems;
  if (!solutions.has(key)) solutions.set(key, solution(e, node));
  return solutions.get(key)?.[at] ?? ABSENT;
}

/** The values of the indices that nodes depend on, but for those that are bound here. */
export function valuesOf(nodes: readonly Node[], bound: readonly Variable[]): string {
  return nodes
    .flatMap((node) => node.free.filter((variable) => !bound.includes(variable)))
    .map(({ id, value }) => `${id}=${value}`)
    .join();
}

function solution(e: Evaluation, node: Solve): readonly Slot[] | undefined {
  const size = node.unknown.size!;
  if (size > EQUATIONS) throw new BudgetError(`${size} equations are too many to interpret this loss`);
  const system = systemOf(e, node);
  const right = along(node.equation, (): Slot => e.evaluate(node.right));
  const key = `${system.key} ${right.join()}`;
  const { byRight } = e.systems;
  if (!byRight.has(key)) byRight.set(key, solutionFor(e, system, right));
  return byRight.get(key);
}

function solutionFor(
  { tape }: Evaluation,
  { entries, inverse }: System,
  right: readonly Slot[],
): readonly Slot[] | undefined {
  const size = right.length;
  if (entries === undefined || right.includes(ABSENT)) return undefined;
  if (inverse === undefined) return Array.from({ length: size }, () => tape.constant(0));
  const x = Array.from({ length: size }, (_, u) =>
    right.reduce((sum, slot, q) => sum + inverse[u * size + q]! * tape.value(slot), 0),
  );
  const left = right.map((slot, q) => {
    tape.edge(slot, 1);
    for (let u = 0; u < size; u++) tape.edge(entries[q * size + u]!, -x[u]!);
    return tape.close(0);
  });
  return x.map((value, u) => {
    for (let q = 0; q < size; q++) tape.edge(left[q]!, inverse[u * size + q]!);
    return tape.close(value);
  });
}

function systemOf(e: Evaluation, { matrix, equation, unknown }: Solve): System {
  const key = `${matrix.id} ${unknown.id} ${valuesOf([matrix], [equation, unknown])}`;
  const { matrices } = e.systems;
  let system = matrices.get(key);
  if (system === undefined) {
    const slots = along(equation, () => along(unknown, () => e.evaluate(matrix))).flat();
    const entries = slots.includes(ABSENT) ? undefined : slots;
    const numbers = entries?.map((slot) => e.tape.value(slot));
    system = { key, entries, inverse: numbers && inverseOf(numbers, unknown.size!) };
    matrices.set(key, system);
  }
  return system;
}

/** What `read` gives at each value of an index. */
export function along<T>(variable: Variable, read: () => T): T[] {
  const before = variable.value;
  const found = Array.from({ length: variable.size! }, (_, k) => {
    variable.value = variable.start + k;
    return read();
  });
  variable.value = before;
  return found;
}

/** The inverse of a matrix, both row by row, by elimination with row exchanges; undefined for a singular one. */
export function inverseOf(entries: ArrayLike<number>, size: number): Float64Array | undefined {
  const width = 2 * size;
  const rows = Array.from({ length: size }, (_, i) => {
    const row = new Float64Array(width);
    for (let j = 0; j < size; j++) row[j] = entries[i * size + j]!;
    row[size + i] = 1;
    return row;
  });
  const largest = Array.from(entries).reduce((most, entry) => Math.max(most, Math.abs(entry)), 0);
  for (let k = 0; k < size; k++) {
    let best = k;
    for (let i = k + 1; i < size; i++) if (Math.abs(rows[i]![k]!) > Math.abs(rows[best]![k]!)) best = i;
    [rows[k], rows[best]] = [rows[best]!, rows[k]!];
    const pivotRow = rows[k]!;
    const pivot = pivotRow[k]!;
    if (!(Math.abs(pivot) > SINGULAR * largest)) return undefined;
    for (let j = k; j < width; j++) pivotRow[j] = pivotRow[j]! / pivot;
    for (let i = 0; i < size; i++) {
      const row = rows[i]!;
      const factor = row[k]!;
      if (i === k || factor === 0) continue;
      for (let j = k; j < width; j++) row[j] = row[j]! - factor * pivotRow[j]!;
    }
  }
  const inverse = new Float64Array(size * size);
  rows.forEach((row, i) => inverse.set(row.subarray(size), i * size));
  return inverse;
}
