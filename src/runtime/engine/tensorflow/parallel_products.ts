/**
 * Products of one tensor with several parameters, as the heads of an ensemble have them on one backbone, found in a
 * recorded graph and written as one: with parameters that lie side by side, x [W_1 .. W_K]. Its gradients are one product
 * each as well, [dy_1 .. dy_K] [W_1 .. W_K]^T and x^T [dy_1 .. dy_K]. Only parameters that are updated in their place,
 * at one rate, and that nothing else reads. Pure; called by `resident_graph.ts`.
 */
import { identity, output, type } from "./graph_def.ts";
import type { AttributeValue, GraphNode, NodeOutput } from "./graph_def.ts";
import type { GraphReading } from "./graph_reading.ts";
import { decays } from "./in_place.ts";
import type { InPlaceUpdate, RecordedUpdate } from "./in_place.ts";
import type { RecordedTensor, Recording } from "./recording.ts";
import type { CarriedValue } from "./resident_graph.ts";
import { concatenated, splitAt } from "./side_by_side.ts";

/** Products with the parameters of `members`. */
export interface ParallelProducts {
  readonly members: readonly ProductOfParameter[];
  /** The sum of the gradients by the common factor; absent where nothing wants that. */
  readonly sum?: SumOfProducts;
}

/** What becomes of one parameter W in a step. */
export interface ProductOfParameter {
  readonly place: InPlaceUpdate;
  readonly parameter: RecordedTensor;
  /** The node x W. */
  readonly forward: GraphNode;
  /** The node x^T dy. */
  readonly gradient: GraphNode;
  /** The node dy W^T, if there is one. */
  readonly backward?: GraphNode;
  /** What the gradient is multiplied by before the update, all of them alike: clipping. */
  readonly factor?: NodeOutput;
  /** What the parameter is multiplied by before the update: decay. */
  readonly kept?: NodeOutput;
}

interface SumOfProducts {
  /** The node that adds up the products and `others`. */
  readonly root: GraphNode;
  /** The names of it and of the sums that enter it alone. */
  readonly nodes: readonly string[];
  readonly others: readonly NodeOutput[];
  /** The shape that the products are given before they are added, if another than a matrix's. */
  readonly shape?: NodeOutput;
}

/** @param graph what runs. */
export function parallelProducts(
  graph: GraphReading,
  values: readonly CarriedValue[],
  updates: readonly InPlaceUpdate[],
): ParallelProducts[] {
  const groups = new Map<string, ProductOfParameter[]>();
  for (const update of updates) {
    const [parameter, ...others] = update.parameters.map((place) => values[place]!.from);
    const product = others.length > 0 ? undefined : productOf(graph, update, parameter!);
    if (product === undefined) continue;
    const key = keyOf(graph, product);
    groups.set(key, [...(groups.get(key) ?? []), product]);
  }
  const taken = new Set<string>();
  return [...groups.values()].flatMap((members) => {
    if (members.length < 2) return [];
    if (members[0]!.backward === undefined) return [{ members }];
    const sum = sumOf(graph, members);
    // Two groups on one tensor end in one sum, which can be written for one of them.
    if (sum === undefined || sum.nodes.some((name) => taken.has(name))) return [];
    for (const name of sum.nodes) taken.add(name);
    return [{ members, sum }];
  });
}

/** The product of two matrices that an output is, whatever its shape. */
function productAt(graph: GraphReading, of: NodeOutput): GraphNode | undefined {
  const node = graph.node(graph.origin(of));
  return node?.op === "MatMul" ? node : undefined;
}

const same = (a: NodeOutput, b: NodeOutput): boolean => a.node === b.node && a.output === b.output;

const transposes = ({ attributes }: GraphNode): string =>
  ["transpose_a", "transpose_b"].map((name) => (isTrue(attributes[name]) ? "t" : "-")).join("");

const isTrue = (value: AttributeValue | undefined): boolean => value?.kind === "bool" && value.value === true;

/** What a parameter is in the graph, if products with it are all that reads it. */
function productOf(
  graph: GraphReading,
  place: InPlaceUpdate,
  parameter: RecordedTensor,
): ProductOfParameter | undefined {
  const { update } = place;
  const products = graph.readers(parameter.node).filter(({ op }) => op === "MatMul");
  const others = graph.readers(parameter.node).filter(({ op }) => op !== "MatMul");
  const isRight = (node: GraphNode): boolean => same(node.inputs[1]!, parameter) && node.inputs.length === 2;
  const forward = products.find((node) => transposes(node) === "--");
  const backward = products.find((node) => transposes(node) === "-t");
  const known = [forward, backward].filter((node) => node !== undefined);
  if (parameter.shape.length !== 2 || forward === undefined) return undefined;
  if (known.length < products.length || !known.every(isRight)) return undefined;
  const kept = decays(update) ? multiplied(graph, update.start, parameter) : undefined;
  if (decays(update) && kept === undefined) return undefined;
  // The flat parameter that the update begins with is read by its decay and nothing else.
  const isDecay = (reader: GraphNode): boolean => reader.name === update.start.node;
  if (!others.every((node) => node.op === "Reshape" && graph.readers(node.name).every(isDecay)))
    return undefined;
  const found = gradientOf(graph, update);
  if (found === undefined || transposes(found.gradient) !== "t-" || found.gradient.inputs.length !== 2) {
    return undefined;
  }
  const [x, dy] = found.gradient.inputs;
  if (!same(graph.origin(x!), graph.origin(forward.inputs[0]!))) return undefined;
  if (backward !== undefined && !same(backward.inputs[0]!, dy!)) return undefined;
  return {
    place,
    parameter,
    forward,
    ...found,
    ...(backward === undefined ? {} : { backward }),
    ...(kept === undefined ? {} : { kept }),
  };
}

/** The product that an update's gradient is, and what it is multiplied by. */
function gradientOf(
  graph: GraphReading,
  { gradient: of }: RecordedUpdate,
): { gradient: GraphNode; factor?: NodeOutput } | undefined {
  const gradient = productAt(graph, of);
  if (gradient !== undefined) return { gradient };
  const scaled = graph.node(of);
  if (scaled?.op !== "Mul") return undefined;
  const [a, b] = scaled.inputs as [NodeOutput, NodeOutput];
  const [left, right] = [productAt(graph, a), productAt(graph, b)];
  if (left !== undefined) return { gradient: left, factor: b };
  return right === undefined ? undefined : { gradient: right, factor: a };
}

/** The other factor of a product, element by element, with what `known` is. */
function multiplied(graph: GraphReading, of: NodeOutput, known: NodeOutput): NodeOutput | undefined {
  const node = graph.node(of);
  if (node?.op !== "Mul") return undefined;
  const isKnown = node.inputs.map((input) => same(graph.origin(input), known));
  return isKnown[0] === isKnown[1] ? undefined : node.inputs[isKnown[0] ? 1 : 0];
}

/** What parameters must have in common for their products to be one. */
function keyOf(
  graph: GraphReading,
  { place, parameter, forward, backward, factor, kept }: ProductOfParameter,
): string {
  const { rate, epsilon, beta1, beta2 } = place.update;
  const x = graph.origin(forward.inputs[0]!);
  const outputs = [x, rate, epsilon, factor, kept].map((of) =>
    of === undefined ? "" : `${of.node}:${of.output}`,
  );
  return [...outputs, beta1, beta2, parameter.shape[0], backward !== undefined].join(" ");
}

const isSum = (node: GraphNode | undefined): boolean => node?.op === "Add" || node?.op === "AddV2";

/** The lowest sum that all products enter, directly or by sums of which it is the only reader. */
function sumOf(graph: GraphReading, members: readonly ProductOfParameter[]): SumOfProducts | undefined {
  const products = members.map(({ backward }) => backward!.name);
  const isProduct = (of: NodeOutput): boolean => products.includes(graph.origin(of).node);
  let at = members[0]!.backward!;
  for (;;) {
    const readers = graph.readers(at.name);
    const [reader] = readers;
    if (reader === undefined || readers.length > 1) return undefined;
    if (!isSum(reader) && reader.op !== "Reshape") return undefined;
    at = reader;
    if (!isSum(at)) continue;
    const { terms, nodes } = termsOf(graph, at);
    const found = terms.filter(isProduct);
    if (found.length < products.length) continue;
    const isOnlyRead = products.every((name) => graph.readers(name).length === 1);
    // What the products' gradients come from must not come from their sum.
    const before = graph.runningFor(members.map(({ gradient }) => gradient.inputs[1]!));
    if (found.length > products.length || !isOnlyRead || before.has(at.name)) return undefined;
    const shaped = graph.node(found[0]!)!;
    const shape = shaped.op === "Reshape" ? { shape: shaped.inputs[1]! } : {};
    return { root: at, nodes, others: terms.filter((of) => !isProduct(of)), ...shape };
  }
}

/** What a sum adds up, and the sums within it that nothing else reads. */
function termsOf(graph: GraphReading, root: GraphNode): { terms: NodeOutput[]; nodes: string[] } {
  const terms: NodeOutput[] = [];
  const nodes = [root.name];
  const visit = (of: NodeOutput): void => {
    const node = graph.node(of);
    if (!isSum(node) || graph.readers(of.node).length > 1) {
      terms.push(of);
      return;
    }
    nodes.push(of.node);
    node!.inputs.forEach(visit);
  };
  root.inputs.forEach(visit);
  return { terms, nodes };
}

/** One product in the place of several. */
export interface Together {
  /** In the places of nodes of the same names. */
  readonly nodes: readonly GraphNode[];
  /** The update of all parameters, by parameters and slots that lie side by side. */
  readonly update: Pick<RecordedUpdate, "start" | "gradient">;
}

/**
 * Writes the products as one.
 *
 * @param parameters all of them side by side [inputs, sum of outputs].
 */
export function together(
  recording: Recording,
  { members, sum }: ParallelProducts,
  parameters: NodeOutput,
): Together {
  const [{ forward, factor, kept, parameter }] = members as readonly [ProductOfParameter];
  const T = type(parameter.dtype);
  /** As many rows of what the parameters give. */
  const widths = members.map((member) => [1, member.parameter.shape[1]!]);
  const x = forward.inputs[0]!;
  const product = (a: NodeOutput, b: NodeOutput, transposed: string): NodeOutput => {
    const bool = (letter: string): AttributeValue => ({ kind: "bool", value: letter === "t" });
    const [transpose_a, transpose_b] = [...transposed].map(bool) as [AttributeValue, AttributeValue];
    return output(recording.add("MatMul", [a, b], { T, transpose_a, transpose_b }));
  };
  const times = (a: NodeOutput, b: NodeOutput | undefined): NodeOutput =>
    b === undefined ? a : output(recording.add("Mul", [a, b], { T }));
  const parts = (of: NodeOutput, nodes: readonly GraphNode[]): GraphNode[] =>
    splitAt(recording, of, widths, T).map((part, k) => identity(nodes[k]!.name, part, T));

  const y = product(x, parameters, "--");
  const dy = concatenated(
    recording,
    members.map(({ gradient }) => gradient.inputs[1]!),
    widths,
    T,
  );
  const gradient = product(x, dy, "t-");
  const nodes = [
    ...parts(
      y,
      members.map((member) => member.forward),
    ),
    ...parts(
      gradient,
      members.map((member) => member.gradient),
    ),
  ];
  if (sum !== undefined) {
    const flat = product(dy, parameters, "-t");
    const attributes = { T, Tshape: type(recording.binding.TF_INT32) };
    const first =
      sum.shape === undefined ? flat : output(recording.add("Reshape", [flat, sum.shape], attributes));
    const all = sum.others.reduce((a, b) => output(recording.add("Add", [a, b], { T })), first);
    nodes.push(identity(sum.root.name, all, T));
  }
  return { nodes, update: { start: times(parameters, kept), gradient: times(gradient, factor) } };
}
