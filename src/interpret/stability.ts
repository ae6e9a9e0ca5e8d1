/**
 * The rewrites of language.md, "Stability", on expanded nodes: forms that mean the same and stay finite. `Graph` calls
 * these from its constructors, so a form is recognised however it was written. Pure.
 *
 *   log(1 + exp(u)), log1p(exp(u))       softplus(u)
 *   log(1 + Σ exp(u)), log1p(Σ exp(u))   a log-sum-exp with one more term exp(0)
 *   log(Σ exp(u))                        logsumexp(u), absent over nothing
 *   log(c + exp(u) + Σ exp(v) + ..)      one log-sum-exp of all terms, so for log1p
 *   log(Σ u)                             absent over nothing
 *   log(exp(u))                          u
 *   cos(acos(c))                         c
 *   cos(acos(c) ± m), cos(m + acos(c))   c·cos m ∓ sqrt(1 - c²)·sin m; the root is 0 with zero gradient from |c| = 1 on
 *   Σ_t (u[t] - v[t])^2                  the squared distance, exactly 0 for nearly equal vectors
 */
import type { Graph } from "./graph.ts";
import type { Branch, Node, ReduceOperator } from "./nodes.ts";
import type { UnaryOperator } from "./scalars.ts";

export function rewriteUnary(graph: Graph, op: UnaryOperator, operand: Node): Node | undefined {
  switch (op) {
    case "log1p":
      return logOfOnePlus(graph, operand);
    case "log": {
      if (isExp(operand)) return operand.operand;
      if (operand.kind === "reduce" && operand.op === "sum") return logOfSum(graph, operand.branches);
      if (operand.kind !== "binary" || operand.op !== "+") return undefined;
      if (isOne(operand.left)) return logOfOnePlus(graph, operand.right);
      if (isOne(operand.right)) return logOfOnePlus(graph, operand.left);
      return logOfTerms(graph, [operand]);
    }
    case "cos":
      return cosine(graph, operand);
    default:
      return undefined;
  }
}

export function rewriteReduce(
  graph: Graph,
  op: ReduceOperator,
  branches: readonly Branch[],
): Node | undefined {
  const branch = branches[0];
  if (op !== "sum" || branch === undefined || branches.length !== 1) return undefined;
  const variable = branch.variables[0];
  if (variable === undefined || variable.declared || branch.variables.length !== 1) return undefined;
  if (branch.guards.some((level) => level.length > 0)) return undefined;
  const { body } = branch;
  if (body.kind !== "binary" || body.op !== "^" || body.right.kind !== "number" || body.right.value !== 2)
    return undefined;
  const difference = body.left;
  if (difference.kind !== "binary" || difference.op !== "-") return undefined;
  if (!runsAlong(difference.left, variable.id) || !runsAlong(difference.right, variable.id)) return undefined;
  return graph.squaredDistance(variable, difference.left, difference.right);
}

/** Whether a node reads as `u[t]`: an element whose last index is the variable, the others free of it. */
function runsAlong(node: Node, variable: number): boolean {
  if (node.kind === "component") return node.last.kind === "variable" && node.last.variable.id === variable;
  if (node.kind !== "element") return false;
  const last = node.indices.at(-1);
  if (last?.kind !== "variable" || last.variable.id !== variable) return false;
  return node.indices.slice(0, -1).every((index) => index.free.every((other) => other.id !== variable));
}

function isOne(node: Node): boolean {
  return node.kind === "number" && node.value === 1;
}

function isExp(node: Node): node is Node & { kind: "unary" } {
  return node.kind === "unary" && node.op === "exp";
}

/** The branches with the arguments of their exponentials as bodies, if every body is one. */
function exponents(branches: readonly Branch[]): readonly Branch[] | undefined {
  const found: Branch[] = [];
  for (const branch of branches) {
    if (!isExp(branch.body)) return undefined;
    found.push({ ...branch, body: branch.body.operand });
  }
  return found;
}

function logOfOnePlus(graph: Graph, rest: Node): Node | undefined {
  if (isExp(rest)) return graph.unary("softplus", rest.operand);
  if (rest.kind !== "reduce" || rest.op !== "sum") return logOfTerms(graph, [graph.number(1), rest]);
  const inner = exponents(rest.branches);
  return inner === undefined ? undefined : graph.reduce("log1p_sum_exp", inner);
}

/** Terms of one sum that are looked at. */
const MOST_TERMS = 16;

/** log of a sum of exponentials, of sums of them and of numbers above 0; -∞ where there is no term. */
function logOfTerms(graph: Graph, sum: readonly Node[]): Node | undefined {
  const found: Branch[] = [];
  const alone = (body: Node): Branch => ({ variables: [], guards: [[]], body });
  const open = sum.toReversed();
  let exponentials = 0;
  let looked = 0;
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (++looked > 2 * MOST_TERMS) return undefined;
    if (node.kind === "binary" && node.op === "+") {
      open.push(node.right, node.left);
    } else if (node.kind === "number" && node.value > 0) {
      found.push(alone(graph.number(Math.log(node.value))));
    } else if (isExp(node)) {
      exponentials++;
      found.push(alone(node.operand));
    } else {
      const inner = node.kind === "reduce" && node.op === "sum" ? exponents(node.branches) : undefined;
      if (inner === undefined) return undefined;
      exponentials++;
      found.push(...inner);
    }
  }
  return exponentials === 0 ? undefined : graph.reduce("log_sum_exp_terms", found);
}

function logOfSum(graph: Graph, branches: readonly Branch[]): Node {
  const inner = exponents(branches);
  return inner === undefined ? graph.reduce("log_sum", branches) : graph.reduce("logsumexp", inner);
}

function cosine(graph: Graph, angle: Node): Node | undefined {
  const direct = arc(angle);
  if (direct !== undefined) return direct;
  if (angle.kind !== "binary" || (angle.op !== "+" && angle.op !== "-")) return undefined;
  const left = arc(angle.left);
  const c = left ?? arc(angle.right);
  if (c === undefined) return undefined;
  // cos(acos(c) - m) and cos(m - acos(c)) are the same.
  const shift = left === undefined ? angle.left : angle.right;
  const straight = graph.binary("*", c, graph.unary("cos", shift));
  const across = graph.binary("*", graph.unary("sine_of_acos", c), graph.unary("sin", shift));
  return graph.binary(angle.op === "+" ? "-" : "+", straight, across);
}

function arc(node: Node): Node | undefined {
  return node.kind === "unary" && node.op === "acos" ? node.operand : undefined;
}
