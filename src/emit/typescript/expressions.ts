/**
 * One node of the loss graph as a TypeScript expression over `tf` and `ops`. What is not differentiable is written so
 * that no gradient is recorded for it.
 */
import type { BinaryOperator, Dim, Node, ReduceOperator, UnaryOperator } from "../../ir/graph.ts";
import { constantOf, isGram, labelOn, rememberedOn } from "../../ir/graph.ts";
import { mayBeInfinite } from "../../ir/rules/finite.ts";

/** How the inputs of a node are written: a name, or an expression in place. */
export type Written = (node: Node) => string;

const UNARY: Readonly<Record<UnaryOperator, string>> = {
  neg: "tf.neg",
  exp: "ops.exp",
  log: "ops.log",
  log1p: "ops.log1p",
  sqrt: "ops.sqrt",
  abs: "ops.abs",
  relu: "tf.relu",
  softplus: "ops.softplus",
  sigmoid: "tf.sigmoid",
  tanh: "tf.tanh",
  cos: "tf.cos",
  sin: "tf.sin",
  acos: "ops.acos",
  sine_of_acos: "ops.sineOfAcos",
  square: "tf.square",
  not: "tf.logicalNot",
  real: "ops.real",
  stop_gradient: "ops.stopGradient",
  norm: "ops.norm",
  normalize: "ops.normalize",
};

const BINARY: Readonly<Record<BinaryOperator, string>> = {
  add: "tf.add",
  sub: "tf.sub",
  mul: "tf.mul",
  div: "ops.divide",
  ratio: "ops.ratio",
  pow: "ops.power",
  max: "ops.maximum",
  min: "ops.minimum",
  eq: "tf.equal",
  ne: "tf.notEqual",
  lt: "tf.less",
  le: "tf.lessEqual",
  gt: "tf.greater",
  ge: "tf.greaterEqual",
  and: "tf.logicalAnd",
  or: "tf.logicalOr",
};

const REDUCE: Readonly<Record<ReduceOperator, string>> = {
  sum: "ops.sum",
  mean: "ops.mean",
  mean_active: "ops.meanActive",
  max: "ops.max",
  min: "ops.min",
  logsumexp: "ops.logSumExp",
  log1p_sum_exp: "ops.log1pSumExp",
  any: "ops.any",
  all: "ops.all",
  count: "ops.count",
  argmax: "ops.argMax",
  argmin: "ops.argMin",
};

const COMPARISONS: ReadonlySet<string> = new Set(["eq", "ne", "lt", "le", "gt", "ge"]);

/** What takes the place of tfjs's own where an operand may be infinite: forms whose gradient is 0 where none arrives. */
const GUARDED: Readonly<Record<string, string>> = {
  mul: "ops.multiply",
  square: "ops.square",
  relu: "ops.relu",
  sigmoid: "ops.sigmoid",
  tanh: "ops.tanh",
  cos: "ops.cos",
  sin: "ops.sin",
};

/** A number as written in the program. */
export function numberText(value: number): string {
  if (Object.is(value, -0)) return "0";
  return String(value);
}

/** A side as a number known when the program runs. */
export function dimText(dim: Dim): string {
  if (dim === "batch") return "labels.size";
  const remembered = rememberedOn(dim);
  if (remembered !== undefined) return `(labels.size + ${remembered})`;
  const label = labelOn(dim);
  if (label !== undefined) return `net.sizes.labels![${JSON.stringify(label)}]!`;
  return dim === "classes" ? "net.sizes.classes" : String(dim);
}

/** A constant, or the expression of a node that a mask needs as a tensor. */
function tensorText(node: Node, write: Written): string {
  const value = constantOf(node);
  if (node.operation.kind === "size") return `tf.scalar(${write(node)})`;
  if (value === undefined) return write(node);
  return node.type === "bool" ? `tf.scalar(${value !== 0}, "bool")` : `tf.scalar(${numberText(value)})`;
}

/** A denominator for which tfjs's own division is right everywhere: a constant or a size other than 0. */
function isNonZero(node: Node): boolean {
  const value = constantOf(node);
  return value === undefined ? node.operation.kind === "size" : value !== 0;
}

/** A comparison sees values only: no gradient is asked of it. */
function detached(node: Node, write: Written): string {
  return node.differentiable ? `ops.stopGradient(${write(node)})` : tensorText(node, write);
}

/** The expression that computes a node from its inputs. */
export function expressionOf(node: Node, write: Written): string {
  const { operation, inputs } = node;
  const [a, b, c] = inputs as [Node, Node, Node];
  switch (operation.kind) {
    case "constant":
      return node.type === "bool" ? tensorText(node, write) : numberText(operation.value);
    case "input": {
      const { name, view = 0 } = operation;
      return `${view === 0 ? "embeddings" : `otherViews[${view - 1}]!`}[${JSON.stringify(name)}]!`;
    }
    case "labels":
      return operation.label === undefined ? "labels" : `otherLabels[${JSON.stringify(operation.label)}]!`;
    case "ids":
      return "ids";
    case "joined":
      return `tf.concat([${write(a)}, ${node.type === "int" ? `tf.cast(${write(b)}, "int32")` : write(b)}])`;
    case "batch_rows": {
      const size = a.shape.map((_, k) => (k === operation.axis ? "labels.size" : -1));
      return `tf.slice(${write(a)}, [${size.map(() => 0).join(", ")}], [${size.join(", ")}])`;
    }
    case "concat":
      return `tf.concat([${write(a)}, ${write(b)}])`;
    case "rows": {
      const from = a.shape.map((_, k) => (k === operation.axis ? dimText(operation.from) : 0));
      const size = a.shape.map((_, k) => (k === operation.axis ? dimText(node.shape[k]!) : -1));
      return `tf.slice(${write(a)}, [${from.join(", ")}], [${size.join(", ")}])`;
    }
    case "inverse":
      return `ops.inverse(${write(a)})`;
    case "solve":
      return `ops.solve(${write(a)}, ${tensorText(b, write)}, { stacked: ${operation.stacked} })`;
    case "kmeans": {
      const where = b === undefined ? "" : `, where: ${tensorText(b, write)}`;
      return `ops.kmeans(${detached(a, write)}, { clusters: ${operation.clusters}${where} })`;
    }
    case "remember":
      return `ops.remember(${write(a)}, ${write(b)})`;
    case "param":
      return `net.param(${JSON.stringify(operation.name)})`;
    case "state":
      return `net.state(${JSON.stringify(operation.name)})`;
    case "noise":
      return `net.noise(${JSON.stringify(operation.name)})`;
    case "cumulative_sum":
      return `tf.cumsum(${write(a)}, ${operation.axis})`;
    case "size":
      return dimText(operation.dim);
    case "iota":
      return `ops.indices(${operation.from}, ${dimText(node.shape[0]!)})`;
    case "same":
      if (inputs.length === 1) return `ops.sameClass(${write(a)})`;
      return `ops.sameClassAmong([${write(a)}, ${write(b)}], [${write(c)}, ${write(inputs[3]!)}])`;
    case "differs":
      if (inputs.length === 1) return `ops.differentClass(${write(a)})`;
      return `ops.differentClassAmong(${write(a)}, ${write(b)})`;
    case "select":
      return `ops.select(${tensorText(a, write)}, ${write(b)}, ${write(c)})`;
    case "view":
      return viewText(write(a), a.shape.length, operation.axes);
    case "reduce": {
      const mask = inputs[1] === undefined ? "" : `, where: ${tensorText(inputs[1], write)}`;
      const detach = operation.op === "argmax" || operation.op === "argmin";
      const body = detach ? detached(a, write) : tensorText(a, write);
      return `${REDUCE[operation.op]}(${body}, { over: [${operation.axes.join(", ")}]${mask} })`;
    }
    case "matmul":
      if (isGram(node)) return `ops.gram(${write(a)})`;
      return a.shape.length === 2 && b.shape.length === 2 && operation.shared === 0
        ? `tf.matMul(${write(a)}, ${write(b)}, false, true)`
        : `ops.products(${write(a)}, ${write(b)}, { shared: ${operation.shared} })`;
    case "squared_distance":
      return `ops.squaredDistances(${write(a)}, ${write(b)})`;
    case "distance_from_gram":
      return `ops.squaredDistancesFromGram(${write(a)})`;
    case "cosine_from_gram":
      return `ops.cosinesFromGram(${write(a)})`;
    case "stack":
      return `tf.stack([${inputs.map(write).join(", ")}])`;
    case "take":
      return `${write(a)}[${operation.index}]!`;
    case "paired_squared_distance":
      return `ops.pairedSquaredDistances(${write(a)}, ${write(b)})`;
    case "cross_entropy":
      return `ops.crossEntropy(${write(a)}, ${write(b)})`;
    case "softmax":
    case "log_softmax": {
      const name = operation.kind === "softmax" ? "ops.softmax" : "ops.logSoftmax";
      const mask = inputs[1] === undefined ? "" : `, ${tensorText(inputs[1], write)}`;
      return `${name}(${tensorText(a, write)}, ${operation.axis}${mask})`;
    }
    case "prefix": {
      const from = a.shape.map(() => 0).join(", ");
      const size = [...a.shape.slice(0, -1).map(() => -1), operation.size].join(", ");
      return `tf.slice(${write(a)}, [${from}], [${size}])`;
    }
    case "within_class":
      return `ops.withinClass(${write(a)}, ${node.shape[1]})`;
    case "classmates":
      return `ops.classmates(${write(a)}, ${node.shape[1]})`;
    case "other_classmates":
      return `ops.otherClassmates(${write(a)}, ${node.shape[1]})`;
    case "slot":
    case "in_blocks":
      throw new Error(`${operation.kind} is written where its block is`);
    case "gather":
      return `tf.gather(${write(a)}, ${write(b)})`;
    default:
      break;
  }
  if (operation.kind === "div" && isNonZero(b)) return `tf.div(${write(a)}, ${write(b)})`;
  const guarded = node.differentiable && inputs.some(mayBeInfinite) ? GUARDED[operation.kind] : undefined;
  if (inputs.length === 1)
    return `${guarded ?? UNARY[operation.kind as UnaryOperator]}(${tensorText(a, write)})`;
  const name = guarded ?? BINARY[operation.kind as BinaryOperator];
  if (COMPARISONS.has(operation.kind)) return `${name}(${detached(a, write)}, ${detached(b, write)})`;
  const logical = operation.kind === "and" || operation.kind === "or";
  return logical
    ? `${name}(${tensorText(a, write)}, ${tensorText(b, write)})`
    : `${name}(${write(a)}, ${write(b)})`;
}

/** A view as transposition and new axes. */
function viewText(input: string, rank: number, axes: readonly (number | null)[]): string {
  const kept = axes.filter((axis): axis is number => axis !== null);
  const inOrder = kept.every((axis, k) => axis === k) && kept.length === rank;
  let text = inOrder ? input : `tf.transpose(${input}, [${kept.join(", ")}])`;
  axes.forEach((axis, k) => {
    if (axis === null) text = `tf.expandDims(${text}, ${k})`;
  });
  return text;
}
