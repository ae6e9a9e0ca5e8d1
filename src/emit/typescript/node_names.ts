/** Names for nodes of the loss graph in emitted programs: the spec's own where it has one, else what the node is. Pure. */
import type { Node } from "../../ir/graph.ts";
import { labelOn, rememberedOn } from "../../ir/graph.ts";

const WORDS: Readonly<Record<string, string>> = {
  add: "total",
  sub: "difference",
  mul: "product",
  div: "quotient",
  neg: "negated",
  square: "squares",
  matmul: "products",
  concat: "together",
  solve: "solution",
  kmeans: "clusters",
  select: "chosen",
  stack: "stacked",
  real: "number",
  sine_of_acos: "sine",
  squared_distance: "squared_distance",
  distance_from_gram: "squared_distance",
  cosine_from_gram: "cosine_similarity",
  paired_squared_distance: "squared_distance",
  stop_gradient: "detached",
  not: "excluded",
  or: "either",
  gt: "above",
  ge: "at_least",
  lt: "below",
  le: "at_most",
  ne: "others",
};

const REDUCTIONS: Readonly<Record<string, string>> = {
  mean_active: "active_mean",
  logsumexp: "log_sum_exp",
  log1p_sum_exp: "log_sum",
  any: "some",
  all: "every",
  argmax: "best",
  argmin: "best",
};

/** A name that says what a node is; not unique, and deterministic. */
export function nameOf(node: Node): string {
  if (node.hint !== undefined) return node.hint;
  const { operation, inputs } = node;
  switch (operation.kind) {
    case "input":
      return `${inputName(operation)}_embeddings`;
    case "param":
    case "state":
    case "noise":
      return operation.name.split("/").slice(-2).join("_");
    case "labels":
      return operation.label === undefined ? "labels" : `${operation.label}_labels`;
    case "iota":
      if (node.shape[0] === "classes" || labelOn(node.shape[0]!) !== undefined) return "class_indices";
      return node.shape[0] === "batch" || rememberedOn(node.shape[0]!) !== undefined ? "samples" : "range";
    case "normalize":
      return `unit_${baseName(inputs[0]!)}`;
    case "norm":
      return `${baseName(inputs[0]!)}_length`;
    case "prefix":
      return `${nameOf(inputs[0]!)}_prefix`;
    case "gather":
      return `${nameOf(inputs[0]!)}_at_${nameOf(inputs[1]!)}`;
    case "view":
      return `${nameOf(inputs[0]!)}_aligned`;
    case "reduce":
      return reductionName(node, operation.op);
    case "eq":
      return isAtTarget(node) ? "at_target" : "equal";
    case "and":
      return tuplesName(node);
    case "in_blocks":
      return REDUCTIONS[operation.combine] ?? operation.combine;
    default:
      return WORDS[operation.kind] ?? operation.kind;
  }
}

/** `pull` of the embeddings of the head pull. */
function baseName(node: Node): string {
  return node.operation.kind === "input" ? inputName(node.operation) : nameOf(node);
}

/** `pull`; of a further view `pull_2`. */
function inputName({ name, view }: { readonly name: string; readonly view?: number }): string {
  return view === undefined ? name : `${name}_${view + 1}`;
}

/** `with_positives`: which anchors have one; `sum_above` where the spec has named what is summed. */
function reductionName(node: Node, op: string): string {
  const body = node.inputs[0]!;
  if (body.hint === undefined) return REDUCTIONS[op] ?? op;
  return op === "any" ? `with_${body.hint}` : `${REDUCTIONS[op] ?? op}_${body.hint}`;
}

/** Whether labels are compared with the numbers of the classes. */
function isAtTarget(node: Node): boolean {
  const kinds = node.inputs.map((input) => {
    const base = input.operation.kind === "view" ? input.inputs[0]! : input;
    return base.operation.kind;
  });
  return kinds.includes("labels") && kinds.includes("iota");
}

function tuplesName(node: Node): string {
  if (!node.shape.every((side) => side === "batch")) return "tuples";
  return ["tuples", "kept", "pairs", "triplets"][node.shape.length] ?? "tuples";
}
