/**
 * What the terms of a loss say of its tuples and samples: the shares of the samples (language.md, "Granularity") and how
 * many tuples are active. Read off an evaluation whose outermost reductions were watched. Called by `interpret.ts`. Pure.
 *
 * Laws:
 *   A loss has shares if it is a linear combination of reductions (sum, mean, mean_active, count) whose first index runs
 *   over the batch. The share of sample a is B times a's part of the numerator over the whole denominator. A number that depends on
 *   neither the batch nor a parameter counts in full for each sample; what depends on parameters alone is the constant.
 *   mean over samples of the shares + constant = the value.
 *   A tuple of an outermost reduction is active if its term has a slope of its own and the value has one by the term:
 *   a hinge that is switched off is not, nor is what `mean_active` or a maximum leaves out.
 */
import type { Evaluation } from "./evaluate.ts";
import { children } from "./nodes.ts";
import type { Node, Variable } from "./nodes.ts";
import type { Slot } from "./tape.ts";

/** What `Evaluation.tuples` says of a reduction that was computed and never held a tuple. */
export const STARVED = 1;
/** And of one that held some. */
export const FED = 2;

type Reduce = Node & { kind: "reduce" };

/** A present tuple of a reduction: which branch, the value of its first index (-1 without one), its body. */
export interface Term {
  readonly branch: number;
  readonly first: number;
  readonly slot: Slot;
}

export interface Terms {
  /** One for each sample of the batch; absent for a loss that is no mean over samples. */
  readonly perSample?: Float64Array;
  /** What the mean of the shares lacks of the value: terms of parameters alone. */
  readonly constant: number;
  /** Active tuples over all tuples of the outermost reductions; absent where there is no tuple. */
  readonly activeFraction?: number;
  /** Whether some reduction that carries a gradient was computed, and never held a tuple. */
  readonly starved: boolean;
}

/** A reduction over a list alone, which is unrolled: one branch for each element, and no index left. */
export function isOverList(node: Node): node is Reduce {
  return node.kind === "reduce" && node.branches.every(({ variables }) => variables.length === 0);
}

/** The reductions to watch: of those given, the ones that see the batch. */
export function watchable(reductions: readonly Node[]): Reduce[] {
  return reductions.filter((node): node is Reduce => node.kind === "reduce" && dependsOnBatch(node));
}

/** `adjoints`: of the slots up to the root. A loss that is not defined on the batch has shares of 0. */
export function termsOf(
  root: Node,
  evaluation: Evaluation,
  batch: number,
  adjoints: Float64Array | undefined,
): Terms {
  const shares = sharesOf(root, evaluation, batch);
  const fraction = activeFraction(evaluation, adjoints);
  return {
    ...(shares === undefined
      ? {}
      : { perSample: adjoints === undefined ? new Float64Array(batch) : shares.perSample }),
    constant: adjoints === undefined ? 0 : (shares?.constant ?? 0),
    ...(fraction === undefined ? {} : { activeFraction: fraction }),
    starved: evaluation.graph.nodes.some(
      (node) =>
        evaluation.tuples[node.id] === STARVED &&
        node.kind === "reduce" &&
        isDifferentiable(node) &&
        dependsOnBatch(node),
    ),
  };
}

function activeFraction(
  { watched, tape }: Evaluation,
  adjoints: Float64Array | undefined,
): number | undefined {
  let [active, all] = [0, 0];
  for (const [node, terms] of watched) {
    if (!isDifferentiable(node) || isOverList(node)) continue;
    all += terms.length;
    if (adjoints === undefined) continue;
    active += terms.filter(({ slot }) => tape.varies(slot) && adjoints[slot]! !== 0).length;
  }
  return all === 0 ? undefined : active / all;
}

interface Shares {
  readonly perSample: Float64Array;
  readonly constant: number;
}

function sharesOf(node: Node, e: Evaluation, batch: number): Shares | undefined {
  const of = (inner: Node): Shares | undefined => sharesOf(inner, e, batch);
  if (!dependsOnBatch(node)) return wholeShares(e.read(node) ?? 0, isDifferentiable(node), batch);
  switch (node.kind) {
    case "unary":
      if (node.op === "-") return scaled(of(node.operand), -1);
      return node.op === "stop_gradient" ? of(node.operand) : undefined;
    case "binary": {
      const { op, left, right } = node;
      if (op === "+" || op === "-") return added(of(left), of(right), op === "+" ? 1 : -1);
      const factor = (operand: Node): number | undefined =>
        isDifferentiable(operand) && dependsOnBatch(operand) ? undefined : (e.read(operand) ?? 0);
      const [a, b] = [factor(left), factor(right)];
      if (op === "*" && b !== undefined) return scaled(of(left), b);
      if (op === "*" && a !== undefined) return scaled(of(right), a);
      if (op === "/" && b !== undefined) return scaled(of(left), 1 / b);
      return op === "ratio" && b !== undefined ? scaled(of(left), b === 0 ? 0 : 1 / b) : undefined;
    }
    case "reduce":
      return sharesOfReduction(node, e, batch);
    default:
      return undefined;
  }
}

function sharesOfReduction(node: Reduce, e: Evaluation, batch: number): Shares | undefined {
  const { tape } = e;
  const found = e.watched.get(node);
  if (found === undefined || !["sum", "mean", "mean_active", "count"].includes(node.op)) return undefined;
  const terms = node.op === "mean_active" ? found.filter(({ slot }) => tape.value(slot) > 0) : found;
  const weight = node.op === "sum" || node.op === "count" ? 1 : terms.length === 0 ? 0 : 1 / terms.length;
  let total: Shares | undefined = wholeShares(0, false, batch);
  for (const [k, branch] of node.branches.entries()) {
    const own = terms.filter((term) => term.branch === k);
    total = added(total, sharesOfBranch(branch, own, weight, e, batch), 1);
  }
  return total;
}

function sharesOfBranch(
  { variables, guards, body }: Reduce["branches"][number],
  terms: readonly Term[],
  weight: number,
  e: Evaluation,
  batch: number,
): Shares | undefined {
  const [first] = variables;
  const sum = (): number => terms.reduce((all, { slot }) => all + e.tape.value(slot), 0);
  if (![body, ...guards.flat()].some(dependsOnBatch) && !variables.some(({ samples }) => samples))
    return wholeShares(weight * sum(), isDifferentiable(body), batch);
  if (first === undefined) {
    const shares = sharesOf(body, e, batch);
    return scaled(shares, terms.length === 0 ? 0 : weight);
  }
  if (!runsOverBatch(first, batch)) return undefined;
  const perSample = new Float64Array(batch);
  for (const { first: sample, slot } of terms)
    perSample[sample] = perSample[sample]! + batch * weight * e.tape.value(slot);
  return { perSample, constant: 0 };
}

export function runsOverBatch({ samples, start, size }: Variable, batch: number): boolean {
  return samples && start === 0 && size === batch;
}

/** Of a number that no sample has a part in. */
function wholeShares(value: number, learned: boolean, batch: number): Shares {
  const perSample = new Float64Array(batch).fill(learned ? 0 : value);
  return { perSample, constant: learned ? value : 0 };
}

function scaled(shares: Shares | undefined, factor: number): Shares | undefined {
  if (shares === undefined) return undefined;
  return { perSample: shares.perSample.map((share) => share * factor), constant: shares.constant * factor };
}

function added(a: Shares | undefined, b: Shares | undefined, sign: 1 | -1): Shares | undefined {
  if (a === undefined || b === undefined) return undefined;
  return {
    perSample: a.perSample.map((share, k) => share + sign * b.perSample[k]!),
    constant: a.constant + sign * b.constant,
  };
}

/** Whether a number depends on what is in the batch: embeddings, labels, or which sample an index is. */
export function dependsOnBatch(node: Node): boolean {
  return reaches(node, (each) => {
    if (each.kind === "element") return each.input.role === "view" || each.input.role === "labels";
    if (each.kind === "reduce")
      return each.branches.some(({ variables }) => variables.some(({ samples }) => samples));
    return each.kind === "pair" || (each.kind === "variable" && each.variable.samples);
  });
}

const differentiable = new WeakMap<Node, boolean>();

/** Whether a gradient can flow through a number to an embedding or a parameter. */
export function isDifferentiable(node: Node): boolean {
  const known = differentiable.get(node);
  if (known !== undefined) return known;
  const answer = carriesGradient(node);
  differentiable.set(node, answer);
  return answer;
}

function carriesGradient(node: Node): boolean {
  switch (node.kind) {
    case "element":
      return node.input.role === "view" || node.input.role === "param";
    case "unary":
      return node.op !== "stop_gradient" && isDifferentiable(node.operand);
    case "binary":
    case "squared_distance":
      return isDifferentiable(node.left) || isDifferentiable(node.right);
    case "component":
    case "guarded":
      return isDifferentiable(node.value);
    case "norm":
      return isDifferentiable(node.component);
    case "solve":
      return isDifferentiable(node.matrix) || isDifferentiable(node.right);
    case "if":
      return isDifferentiable(node.yes) || isDifferentiable(node.no);
    case "reduce":
      return (
        !["any", "all", "count", "argmax", "argmin", "sample"].includes(node.op) &&
        node.branches.some(({ body }) => isDifferentiable(body))
      );
    default:
      return false;
  }
}

function reaches(node: Node, wanted: (node: Node) => boolean): boolean {
  const seen = new Set<Node>();
  const open = [node];
  for (let each = open.pop(); each !== undefined; each = open.pop()) {
    if (seen.has(each)) continue;
    seen.add(each);
    if (wanted(each)) return true;
    open.push(...children(each));
  }
  return false;
}
