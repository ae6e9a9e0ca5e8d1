/**
 * Rewriting a graph node by node: inputs first, each old node once. A pass gives, for a node whose inputs are new
 * already, what stands in its place, or undefined to keep it. Pure; the new nodes join the same graph.
 */
import type { Builder } from "../build.ts";
import type { BinaryOperator, Node, UnaryOperator } from "../graph.ts";
import { topological } from "../order.ts";

export type Rewrite = (node: Node, inputs: readonly Node[]) => Node | undefined;

/** The roots after the rewrite, in order. Names for people are kept where the rewrite gives none. */
export function rebuild(build: Builder, roots: readonly Node[], rewrite: Rewrite): Node[] {
  const now = new Map<Node, Node>();
  for (const node of topological(roots)) {
    const inputs = node.inputs.map((input) => now.get(input)!);
    const same = inputs.every((input, k) => input === node.inputs[k]);
    const replaced = rewrite(node, inputs) ?? (same ? node : again(build, node, inputs));
    if (node.hint !== undefined) replaced.hint ??= node.hint;
    now.set(node, replaced);
  }
  return roots.map((root) => now.get(root)!);
}

/** Elementwise operators, whose shape follows from their operands. Every unary operator is here by name, so that a new one cannot be forgotten. */
const IS_ELEMENTWISE: Readonly<Record<UnaryOperator, boolean>> = {
  neg: true,
  exp: true,
  log: true,
  log1p: true,
  sqrt: true,
  abs: true,
  relu: true,
  softplus: true,
  sigmoid: true,
  tanh: true,
  cos: true,
  sin: true,
  acos: true,
  sine_of_acos: true,
  square: true,
  not: true,
  real: true,
  stop_gradient: true,
  norm: false,
  normalize: false,
};
const isUnary = (kind: string): boolean =>
  Object.hasOwn(IS_ELEMENTWISE, kind) && IS_ELEMENTWISE[kind as UnaryOperator];
const BINARY: ReadonlySet<string> = new Set<BinaryOperator>([
  ...(["add", "sub", "mul", "div", "ratio", "pow", "max", "min"] as const),
  ...(["eq", "ne", "lt", "le", "gt", "ge", "and", "or"] as const),
]);

export function isElementwise(node: Node): boolean {
  const { kind } = node.operation;
  return isUnary(kind) || BINARY.has(kind) || kind === "select";
}

/** An elementwise operation on other operands, through the rules of the builder. */
export function elementwise(build: Builder, node: Node, inputs: readonly Node[]): Node | undefined {
  const { kind } = node.operation;
  const [a, b, c] = inputs as [Node, Node, Node];
  if (isUnary(kind)) return build.unary(kind as UnaryOperator, a);
  if (BINARY.has(kind)) return build.binary(kind as BinaryOperator, a, b);
  return kind === "select" ? build.select(a, b, c) : undefined;
}

function again(build: Builder, node: Node, inputs: readonly Node[]): Node {
  const { operation, shape, type } = node;
  if (operation.kind === "view") return build.view(inputs[0]!, operation.axes);
  return elementwise(build, node, inputs) ?? build.graph.node(operation, inputs, shape, type);
}
