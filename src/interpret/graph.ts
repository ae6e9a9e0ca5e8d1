/**
 * Builds the nodes of an expanded loss: equal nodes once, constants folded, sizes and depths counted against the
 * budgets. Called by `expand/`; the rewrites that stability asks for are in `stability.ts`, applied here. Pure.
 */
import { DEPTH, EXPANDED_NODES } from "./budget.ts";
import { BudgetError } from "./errors.ts";
import { children } from "./nodes.ts";
import type { Branch, CompareOperator, Input, Node, ReduceOperator, Variable } from "./nodes.ts";
import * as scalars from "./scalars.ts";
import type { BinaryOperator, UnaryOperator } from "./scalars.ts";
import { rewriteReduce, rewriteUnary } from "./stability.ts";

type Bare = Node extends infer N
  ? N extends Node
    ? Omit<N, "id" | "free" | "depth" | "size" | "plain">
    : never
  : never;

function boundBy(node: Bare): ReadonlySet<Variable> {
  if (node.kind === "reduce") return new Set(node.branches.flatMap((branch) => branch.variables));
  if (node.kind === "squared_distance" || node.kind === "norm") return new Set([node.variable]);
  if (node.kind === "solve") return new Set([node.equation, node.unknown]);
  if (node.kind === "kmeans") return new Set([node.point, node.component]);
  return new Set();
}

function isArithmetic(node: Bare): boolean {
  switch (node.kind) {
    case "number":
    case "variable":
    case "unary":
    case "binary":
      return true;
    case "element":
      return node.input.role === "labels";
    default:
      return false;
  }
}

export class Graph {
  /** All nodes, by id. */
  readonly nodes: Node[] = [];
  private readonly known = new Map<string, Node>();
  readonly variables: Variable[] = [];
  private inputs = 0;

  variable(name: string, domain?: { start: number; size: number }): Variable {
    const variable = {
      id: this.variables.length,
      name,
      start: domain?.start ?? 0,
      size: domain?.size,
      declared: domain !== undefined,
      samples: false,
      staysInBatch: false,
      value: 0,
    };
    this.variables.push(variable);
    return variable;
  }

  input(role: Input["role"], name: string, shape: readonly number[]): Input {
    return { kind: "input", id: this.inputs++, role, name, shape };
  }

  number(value: number): Node {
    return this.intern(`#${Object.is(value, -0) ? "-0" : value}`, { kind: "number", value });
  }

  truth(value: boolean): Node {
    return this.intern(`?${value}`, { kind: "truth", value });
  }

  reference(variable: Variable): Node {
    return this.intern(`v${variable.id}`, { kind: "variable", variable });
  }

  element(input: Input, indices: readonly Node[]): Node {
    return this.intern(`e${input.id}[${indices.map((i) => i.id).join()}]`, {
      kind: "element",
      input,
      indices,
    });
  }

  component(value: Node, last: Node): Node {
    return this.intern(`c${value.id}[${last.id}]`, { kind: "component", value, last });
  }

  unary(op: UnaryOperator, operand: Node): Node {
    const constant = numberOf(operand);
    if (constant !== undefined) return this.number(scalars.unary(op, constant).value);
    const rewritten = rewriteUnary(this, op, operand);
    if (rewritten !== undefined) return rewritten;
    return this.intern(`u${op} ${operand.id}`, { kind: "unary", op, operand });
  }

  binary(op: BinaryOperator, left: Node, right: Node): Node {
    const a = numberOf(left);
    const b = numberOf(right);
    if (a !== undefined && b !== undefined) return this.number(scalars.binary(op, a, b).value);
    return this.intern(`b${op} ${left.id} ${right.id}`, { kind: "binary", op, left, right });
  }

  compare(op: CompareOperator, left: Node, right: Node): Node {
    const a = numberOf(left);
    const b = numberOf(right);
    if (a !== undefined && b !== undefined) return this.truth(compare(op, a, b));
    return this.intern(`r${op} ${left.id} ${right.id}`, { kind: "compare", op, left, right });
  }

  logic(op: "and" | "or", left: Node, right: Node): Node {
    if (left.kind === "truth") return left.value === (op === "and") ? right : left;
    return this.intern(`l${op} ${left.id} ${right.id}`, { kind: "logic", op, left, right });
  }

  not(operand: Node): Node {
    if (operand.kind === "truth") return this.truth(!operand.value);
    return this.intern(`n${operand.id}`, { kind: "not", operand });
  }

  pair(op: "same" | "differs", left: Node, right: Node, by: Input | Node): Node {
    const key = `p${op} ${left.id} ${right.id} ${by.kind === "input" ? "i" : "n"}${by.id}`;
    return this.intern(key, { kind: "pair", op, left, right, by });
  }

  choose(condition: Node, yes: Node, no: Node): Node {
    if (condition.kind === "truth") return condition.value ? yes : no;
    return this.intern(`i${condition.id} ${yes.id} ${no.id}`, { kind: "if", condition, yes, no });
  }

  guarded(guards: readonly Node[], value: Node): Node {
    const open = guards.filter((guard) => !(guard.kind === "truth" && guard.value));
    if (open.length === 0) return value;
    return this.intern(`g${open.map((g) => g.id).join()} ${value.id}`, {
      kind: "guarded",
      guards: open,
      value,
    });
  }

  /** `draw`: of `sample`, the random number that decides. */
  reduce(op: ReduceOperator, branches: readonly Branch[], draw?: Node): Node {
    const rewritten = rewriteReduce(this, op, branches);
    if (rewritten !== undefined) return rewritten;
    const key = branches
      .map(
        (b) =>
          `${b.variables.map((v) => v.id).join()}|${b.guards
            .flat()
            .map((g) => g.id)
            .join()}|${b.body.id}|${b.element?.id ?? ""}`,
      )
      .join(";");
    const drawn = draw === undefined ? {} : { draw };
    return this.intern(`s${op} ${key} ${draw?.id ?? ""}`, { kind: "reduce", op, branches, ...drawn });
  }

  squaredDistance(variable: Variable, left: Node, right: Node): Node {
    return this.intern(`d${variable.id} ${left.id} ${right.id}`, {
      kind: "squared_distance",
      variable,
      left,
      right,
    });
  }

  norm(variable: Variable, component: Node): Node {
    return this.intern(`m${variable.id} ${component.id}`, { kind: "norm", variable, component });
  }

  solve(equation: Variable, unknown: Variable, matrix: Node, right: Node, at: Node): Node {
    return this.intern(`x${equation.id} ${unknown.id} ${matrix.id} ${right.id} ${at.id}`, {
      kind: "solve",
      equation,
      unknown,
      matrix,
      right,
      at,
    });
  }

  kmeans(
    point: Variable,
    component: Variable,
    coordinate: Node,
    guards: readonly Node[],
    clusters: number,
    at: Node,
  ): Node {
    const among = guards.map((guard) => guard.id).join();
    return this.intern(`k${point.id} ${component.id} ${coordinate.id}|${among}|${clusters} ${at.id}`, {
      kind: "kmeans",
      point,
      component,
      coordinate,
      guards,
      clusters,
      at,
    });
  }

  private intern(key: string, bare: Bare): Node {
    const found = this.known.get(key);
    if (found !== undefined) return found;
    const below = children(bare as Node);
    const free = new Map<number, Variable>();
    if (bare.kind === "variable") free.set(bare.variable.id, bare.variable);
    const bound = boundBy(bare);
    let depth = 0;
    let size = 1;
    for (const child of below) {
      depth = Math.max(depth, child.depth);
      size += child.size;
      for (const variable of child.free) if (!bound.has(variable)) free.set(variable.id, variable);
    }
    if (depth + 1 > DEPTH)
      throw new BudgetError("the loss is nested too deeply once its definitions are expanded");
    if (size > EXPANDED_NODES)
      throw new BudgetError("the loss is too large once its definitions are expanded");
    const node = {
      ...bare,
      id: this.nodes.length,
      free: [...free.values()].sort((a, b) => a.id - b.id),
      depth: depth + 1,
      size,
      plain: isArithmetic(bare) && below.every((child) => child.plain),
    } as Node;
    this.nodes.push(node);
    this.known.set(key, node);
    return node;
  }
}

/** The constant that a node is, if it is one; a truth value counts as 0 or 1. */
export function numberOf(node: Node): number | undefined {
  if (node.kind === "number") return node.value;
  if (node.kind === "truth") return node.value ? 1 : 0;
  return undefined;
}

export function compare(op: CompareOperator, a: number, b: number): boolean {
  switch (op) {
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    case ">=":
      return a >= b;
  }
}

/** Splits a condition into the parts that `and` joins. */
export function conjuncts(node: Node): readonly Node[] {
  return node.kind === "logic" && node.op === "and"
    ? [...conjuncts(node.left), ...conjuncts(node.right)]
    : [node];
}
