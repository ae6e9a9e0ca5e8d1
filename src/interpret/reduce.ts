/**
 * Evaluates reductions over the tuples of a batch. Called by `evaluate.ts`. Pure.
 *
 * A tuple is present if it passes the guards (tested before the body is touched: what is masked out is never computed)
 * and its body is not absent. Only present tuples count. Over no present tuple: sum, mean, mean_active and count are 0,
 * any is false, all is true, and max, min, argmax, argmin, sample, logsumexp, log of a sum, variance and sample_variance are
 * absent. `mean_active` divides by the number of tuples whose body is above 0; the number carries no gradient. The
 * sample variance of one value is 0 with zero gradient.
 */
import { TAPE, TUPLES } from "./budget.ts";
import { BudgetError } from "./errors.ts";
import type { Evaluation } from "./evaluate.ts";
import type { Branch, Node } from "./nodes.ts";
import { ABSENT } from "./tape.ts";
import type { Slot } from "./tape.ts";
import { FED, STARVED } from "./terms.ts";

type Reduce = Node & { kind: "reduce" };

/** At or below this share of |u|² + |v|², a squared distance is 0: what float32 loses in |u|² + |v|² - 2u·v. */
export const NEARLY_EQUAL = 1e-6;

/** Calls `visit` for every tuple that passes the guards, in order of the indices, until it answers false. */
function visitTuples(e: Evaluation, branch: Branch, visit: () => boolean): boolean {
  const walk = (level: number): boolean => {
    if (++e.visited > TUPLES) throw new BudgetError("the batch has too many tuples to interpret this loss");
    const guards = branch.guards[level]!;
    for (let g = 0; g < guards.length; g++) if (!e.test(guards[g]!)) return true;
    const variable = branch.variables[level];
    if (variable === undefined) return visit();
    const end = variable.start + variable.size!;
    for (let value = variable.start; value < end; value++) {
      variable.value = value;
      if (!walk(level + 1)) return false;
    }
    return true;
  };
  return walk(0);
}

/** Keeps the term of the tuple that is being visited, for a reduction that is watched. */
function note(e: Evaluation, node: Reduce, branch: number, slot: Slot): void {
  const [first] = node.branches[branch]!.variables;
  e.watched.get(node)?.push({ branch, first: first?.value ?? -1, slot });
}

/** The bodies of the present tuples. */
function present(e: Evaluation, node: Reduce): Slot[] {
  const slots: Slot[] = [];
  for (const [k, branch] of node.branches.entries())
    visitTuples(e, branch, () => {
      const slot = e.evaluate(branch.body);
      if (slot !== ABSENT) {
        slots.push(slot);
        note(e, node, k, slot);
      }
      if (slots.length > TAPE) throw new BudgetError("the batch has too many tuples to interpret this loss");
      return true;
    });
  e.held[node.id] = slots.length;
  if (slots.length > 0) e.tuples[node.id] = FED;
  else if (e.tuples[node.id] === 0) e.tuples[node.id] = STARVED;
  return slots;
}

export function reduce(e: Evaluation, node: Reduce): Slot {
  switch (node.op) {
    case "any":
    case "all":
    case "count":
      return e.tape.constant(logical(e, node));
    case "argmax":
    case "argmin":
      return extremeIndex(e, node);
    case "sample":
      return drawnIndex(e, node);
    default:
      return numeric(e, node, present(e, node));
  }
}

function logical(e: Evaluation, node: Reduce): number {
  let held = 0;
  let count = 0;
  let stopped = false;
  for (const [k, branch] of node.branches.entries()) {
    if (stopped) break;
    stopped = !visitTuples(e, branch, () => {
      held++;
      const holds = e.test(branch.body);
      note(e, node, k, e.tape.constant(holds ? 1 : 0));
      if (holds) count++;
      return node.op === "count" || holds === (node.op === "all");
    });
  }
  e.held[node.id] = held;
  if (node.op === "count") return count;
  return (node.op === "any") === stopped ? 1 : 0;
}

/** The element of the best tuple; ties go to the first one. */
function extremeIndex(e: Evaluation, node: Reduce): Slot {
  let best: number | undefined;
  let element = ABSENT;
  let held = 0;
  for (const branch of node.branches)
    visitTuples(e, branch, () => {
      const value = e.read(branch.body);
      if (value === undefined) return true;
      held++;
      if (best === undefined || (node.op === "argmax" ? value > best : value < best)) {
        best = value;
        element = e.evaluate(branch.element!);
      }
      return true;
    });
  e.held[node.id] = held;
  return element;
}

/**
 * The element of a tuple drawn with a probability proportional to its weight, by inversion: the first tuple at which the
 * sum of the weights so far exceeds the share of all weights that the random number is. A weight of at most 0 counts as 0.
 * Absent where nothing weighs anything.
 */
function drawnIndex(e: Evaluation, node: Reduce): Slot {
  const tuples: { readonly element: Slot; readonly sum: number }[] = [];
  let total = 0;
  let held = 0;
  for (const branch of node.branches)
    visitTuples(e, branch, () => {
      const weight = e.read(branch.body);
      if (weight === undefined) return true;
      held++;
      if (!(weight > 0)) return true;
      total += weight;
      tuples.push({ element: e.evaluate(branch.element!), sum: total });
      return true;
    });
  e.held[node.id] = held;
  const threshold = e.read(node.draw!)! * total;
  return tuples.find(({ sum }) => sum > threshold)?.element ?? ABSENT;
}

function numeric(e: Evaluation, node: Reduce, slots: readonly Slot[]): Slot {
  const { tape } = e;
  const n = slots.length;
  switch (node.op) {
    case "sum":
      return weighted(e, slots, 1);
    case "mean":
      return n === 0 ? tape.constant(0) : weighted(e, slots, 1 / n);
    case "mean_active": {
      const active = slots.filter((slot) => tape.value(slot) > 0);
      return active.length === 0 ? tape.constant(0) : weighted(e, active, 1 / active.length);
    }
    case "log_sum": {
      if (n === 0) return ABSENT;
      const total = slots.reduce((sum, slot) => sum + tape.value(slot), 0);
      for (const slot of slots) tape.edge(slot, 1 / total);
      return tape.close(Math.log(total));
    }
    case "logsumexp":
      return n === 0 ? ABSENT : logSumExp(e, slots, -Infinity);
    case "log_sum_exp_terms":
      return n === 0 ? tape.constant(-Infinity) : logSumExp(e, slots, -Infinity);
    case "log1p_sum_exp":
      return logSumExp(e, slots, 0);
    case "max":
    case "min": {
      if (n === 0) return ABSENT;
      const values = slots.map((slot) => tape.value(slot));
      const best = values.reduce((a, b) => (node.op === "max" ? Math.max(a, b) : Math.min(a, b)));
      const tied = slots.filter((slot) => tape.value(slot) === best);
      for (const slot of tied) tape.edge(slot, 1 / tied.length);
      return tape.close(best);
    }
    default:
      return variance(e, slots, node.op === "sample_variance" ? 1 : 0);
  }
}

/** weight · Σ. */
function weighted(e: Evaluation, slots: readonly Slot[], weight: number): Slot {
  let total = 0;
  for (const slot of slots) {
    total += e.tape.value(slot);
    e.tape.edge(slot, weight);
  }
  return e.tape.close(total * weight);
}

/** log(exp(constant) + Σ exp), about its largest term. */
function logSumExp(e: Evaluation, slots: readonly Slot[], constant: number): Slot {
  const { tape } = e;
  let largest = constant;
  for (const slot of slots) largest = Math.max(largest, tape.value(slot));
  if (!Number.isFinite(largest)) return tape.constant(largest);
  let rest = 0;
  for (const slot of slots) rest += Math.exp(tape.value(slot) - largest);
  const total = Math.exp(constant - largest) + rest;
  for (const slot of slots) tape.edge(slot, Math.exp(tape.value(slot) - largest) / total);
  // Where the constant is the largest term, log1p keeps a rest that 1 + rest would lose.
  return tape.close(largest + (largest === constant ? Math.log1p(rest) : Math.log(total)));
}

/** Mean squared deviation; `less` is what the count is reduced by. */
function variance(e: Evaluation, slots: readonly Slot[], less: number): Slot {
  const { tape } = e;
  const n = slots.length;
  if (n === 0) return ABSENT;
  if (n - less === 0) return tape.constant(0);
  const mean = slots.reduce((sum, slot) => sum + tape.value(slot), 0) / n;
  let total = 0;
  for (const slot of slots) {
    const deviation = tape.value(slot) - mean;
    total += deviation * deviation;
    tape.edge(slot, (2 * deviation) / (n - less));
  }
  return tape.close(total / (n - less));
}

/** Σ_t (u[t] - v[t])², and 0 with zero gradient for vectors that float32 could not tell apart. */
export function squaredDistance(e: Evaluation, node: Node & { kind: "squared_distance" }): Slot {
  const { tape } = e;
  const { variable } = node;
  const lefts: Slot[] = [];
  const rights: Slot[] = [];
  let total = 0;
  let size = 0;
  for (let t = 0; t < variable.size!; t++) {
    variable.value = t;
    const left = e.evaluate(node.left);
    const right = e.evaluate(node.right);
    if (left === ABSENT || right === ABSENT) continue;
    const u = tape.value(left);
    const v = tape.value(right);
    total += (u - v) * (u - v);
    size += u * u + v * v;
    lefts.push(left);
    rights.push(right);
  }
  e.held[node.id] = lefts.length;
  if (total <= NEARLY_EQUAL * size) return tape.constant(0);
  for (let t = 0; t < lefts.length; t++) {
    const slope = 2 * (tape.value(lefts[t]!) - tape.value(rights[t]!));
    tape.edge(lefts[t]!, slope);
    tape.edge(rights[t]!, -slope);
  }
  return tape.close(total);
}

/** Euclidean length, with gradient 0 at the zero vector; absent where the vector is. */
export function norm(e: Evaluation, node: Node & { kind: "norm" }): Slot {
  const { tape } = e;
  const { variable } = node;
  const slots: Slot[] = [];
  let total = 0;
  for (let t = 0; t < variable.size!; t++) {
    variable.value = t;
    const slot = e.evaluate(node.component);
    if (slot === ABSENT) return ABSENT;
    total += tape.value(slot) * tape.value(slot);
    slots.push(slot);
  }
  const length = Math.sqrt(total);
  if (length > 0) for (const slot of slots) tape.edge(slot, tape.value(slot) / length);
  return tape.close(length);
}
