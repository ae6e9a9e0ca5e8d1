/**
 * Walking syntax trees. Iterative: a long chain of operators is a deep tree, and must not exhaust the call stack.
 * Used by every stage that looks at whole trees, and by the editor. Pure.
 */
import type * as ast from "./ast.ts";

/** Every kind of node that has a `kind` and a `span`. */
export type Node =
  | ast.File
  | ast.Import
  | ast.Declaration
  | ast.Parameter
  | ast.TypeExpression
  | ast.Refinement
  | ast.Statement
  | ast.Block
  | ast.Entry
  | ast.Expression
  | ast.Argument
  | ast.IndexBinding
  | ast.Identifier;

/** What is called for each node; `enter` may return false to leave out what is below the node. */
export interface Visitor {
  readonly enter?: (node: Node, parent: Node | undefined) => boolean | void;
  readonly leave?: (node: Node, parent: Node | undefined) => void;
}

/** The nodes directly below a node, in the order of the text. */
export function children(node: Node): readonly Node[] {
  const found = below(node).filter((child) => child !== undefined);
  return ordered(found) ? found : found.sort((a, b) => a.span.start - b.span.start);
}

function ordered(nodes: readonly Node[]): boolean {
  return nodes.every((node, at) => at === 0 || nodes[at - 1]!.span.start <= node.span.start);
}

/** Visits `root` and everything below it, in the order of the text. */
export function walk(root: Node, visitor: Visitor): void {
  interface Step {
    readonly node: Node;
    readonly parent: Node | undefined;
    readonly left: boolean;
  }
  const steps: Step[] = [{ node: root, parent: undefined, left: false }];
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    const { node, parent, left } = step;
    if (left) {
      visitor.leave?.(node, parent);
      continue;
    }
    const inside = visitor.enter?.(node, parent) !== false;
    if (visitor.leave !== undefined) steps.push({ node, parent, left: true });
    if (!inside) continue;
    const inner = children(node);
    for (let at = inner.length - 1; at >= 0; at--)
      steps.push({ node: inner[at]!, parent: node, left: false });
  }
}

function below(node: Node): (Node | undefined)[] {
  switch (node.kind) {
    case "File":
      return [...node.imports, ...node.declarations];
    case "Import":
      return [...node.names, node.from];
    case "Dataset":
      return [node.name, node.source, node.settings];
    case "Model":
      return [node.name, node.settings];
    case "Loss": {
      const header = [node.name, ...node.parameters, node.result, ...(node.views ?? []), ...node.assumes];
      return [...header, ...node.statements, node.body];
    }
    case "Measure":
      return [node.name, ...node.operands, ...node.parameters, node.body];
    case "Miner":
      return [node.name, ...node.parameters, ...node.tuple, ...node.statements, node.condition];
    case "Backbone":
      return [node.name, ...node.parameters, node.input, node.output, node.body];
    case "Primitive":
      return [node.name, ...node.parameters, node.result, node.output, ...node.needs];
    case "Parameter":
      return [node.name, node.type, node.default];
    case "Type":
      return [node.name, ...node.words, ...(node.axes ?? []), ...node.refinements];
    case "Bound":
      return [node.value];
    case "Interval":
      return [node.low, node.high];
    case "Let":
      return [node.name, ...node.parameters, node.value];
    case "Param":
      return [node.name, node.type, node.init];
    case "State":
      return [node.name, ...node.indices, node.type, node.initial, node.next];
    case "Assignment":
      return [node.name, node.value];
    case "Block":
      return [...node.entries];
    case "Entry":
      return [node.name, node.value, node.block, node.label, node.miner, node.memory, node.head];
    case "Argument":
      return [node.name, node.value];
    case "IndexBinding":
      return [node.name, node.domain];
    default:
      return belowExpression(node);
  }
}

function belowExpression(node: ast.Expression | ast.Identifier): (Node | undefined)[] {
  switch (node.kind) {
    case "List":
      return [...node.items];
    case "Range":
      return [node.from, node.to];
    case "Unary":
      return [node.operand];
    case "Binary":
      return [node.left, node.right];
    case "If":
      return [node.condition, node.then, node.else];
    case "Call":
      return [node.callee, ...node.arguments, node.block];
    case "Index":
      return [node.target, ...node.indices];
    case "Reduction":
      return [...node.indices, ...node.guards, ...node.bodies];
    case "Pipeline":
      return [...node.stages];
    case "Repeat":
      return [node.count, node.body];
    case "Residual":
      return [node.body];
    case "Shared":
      return [node.pipeline];
    case "Number":
    case "Bool":
    case "String":
    case "Size":
    case "Name":
    case "Hole":
    case "Missing":
    case "Identifier":
      return [];
  }
}
