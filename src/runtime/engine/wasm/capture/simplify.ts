/**
 * Rewrites a recorded graph into a smaller one that computes the same: what nothing needs is left out, what is computed
 * twice is computed once (backward passes of several losses share nothing by themselves), and calls that only move a
 * value to another shape become views. Pure; called by `recorder.ts`.
 */
import * as tf from "@tensorflow/tfjs-core";
import { REPEAT } from "./elementwise.ts";
import {
  type Constant,
  type Graph,
  type Node,
  type Value,
  type Values,
  type View,
  uniformOf,
} from "./graph.ts";
import { keyOf } from "./key.ts";

export function simplify(graph: Graph, values: Values): Graph {
  const pass = new Pass(graph.constants, values);
  for (const node of graph.nodes) pass.add(node);
  const results = graph.results.map((result) =>
    "argument" in result ? result : { view: pass.current(result.view) },
  );
  const needed = new Set(results.flatMap((result) => ("view" in result ? [result.view.value] : [])));
  const nodes: Node[] = [];
  for (const node of pass.nodes.toReversed()) {
    if (!node.outputs.some(({ value }) => needed.has(value))) continue;
    nodes.push(node);
    for (const { value } of Object.values(node.inputs)) needed.add(value);
  }
  nodes.reverse();
  const constants = new Map([...pass.constants].filter(([value]) => needed.has(value)));
  return { nodes, arguments: graph.arguments, constants, results };
}

class Pass {
  readonly nodes: Node[] = [];
  readonly constants: Map<Value, Constant>;
  readonly #values: Values;
  /** What stands in place of a value. */
  readonly #instead = new Map<Value, Value>();
  /** Outputs of a call already made. */
  readonly #made = new Map<string, readonly View[]>();
  readonly #numbers = new Map<number, Value>();
  readonly #makers = new Map<Value, Node>();

  constructor(constants: ReadonlyMap<Value, Constant>, values: Values) {
    this.constants = new Map(constants);
    this.#values = values;
  }

  current({ value, shape }: View): View {
    return { value: this.#instead.get(value) ?? value, shape };
  }

  add(given: Node): void {
    const inputs = Object.fromEntries(
      Object.entries(given.inputs).map(([name, view]) => [name, this.current(view)]),
    );
    const node = { ...given, inputs };
    switch (node.kernel) {
      case tf.Mean:
        return this.#mean(node);
      case tf.AddN:
        return this.#addN(node);
      case tf.Tile:
        return this.#tile(node);
      case tf.BroadcastTo:
        return this.#repeat(node, node.inputs["x"]!);
      case tf.Sum:
      case tf.Max:
      case tf.Min:
      case tf.Transpose:
        return this.#moved(node);
      case tf.Add:
        return this.#add(node);
      case tf.Sub:
        return this.#neutral(node, 0, ["b"]);
      case tf.Multiply:
        return this.#neutral(node, 1, ["a", "b"]);
      case tf.RealDiv:
        return this.#neutral(node, 1, ["b"]);
      case tf.BatchMatMul:
        return this.#product(node);
      case tf.Concat:
        return Object.keys(inputs).length === 1 ? this.#same(node, inputs["0"]!) : this.#keep(node);
      default:
        return this.#keep(node);
    }
  }

  /** Adds the call, or takes the outputs of an equal one. */
  #keep(node: Node): void {
    const key = keyOf(node);
    const made = this.#made.get(key);
    if (made === undefined) {
      this.#made.set(key, node.outputs);
      this.nodes.push(node);
      for (const { value } of node.outputs) this.#makers.set(value, node);
      return;
    }
    node.outputs.forEach(({ value }, index) => this.#instead.set(value, made[index]!.value));
  }

  /** The output is the input in another shape. */
  #same(node: Node, input: View): void {
    this.#instead.set(node.outputs[0]!.value, input.value);
  }

  /** A mean is a sum divided by the count. */
  #mean(node: Node): void {
    const [x, [output]] = [node.inputs["x"]!, node.outputs as [View]];
    if (x.value.type !== "float32") return this.#keep(node);
    const sum = { value: this.#values.make("float32", output.value.size), shape: output.shape };
    this.#moved({ ...node, kernel: tf.Sum, outputs: [sum] });
    const count = { value: this.#number(x.value.size / output.value.size), shape: [] };
    const inputs = { a: this.current(sum), b: count };
    this.#neutral({ kernel: tf.RealDiv, inputs, list: false, attributes: {}, outputs: [output] }, 1, ["b"]);
  }

  /**
   * A·X + Aᵀ·X, the gradient of X·Xᵀ, is one product (A + Aᵀ)·X. The second summand comes to the first or to a sum
   * that the first is in.
   */
  #add(node: Node): void {
    const [a, b] = [node.inputs["a"]!, node.inputs["b"]!];
    const turned = this.#productOf(b);
    const before = this.#makers.get(a.value);
    const inSum = before?.kernel === tf.Add ? Object.values(before.inputs) : [];
    const plain = [a, ...inSum].find((view) => turned !== undefined && this.#isTurned(view, turned));
    if (turned === undefined || plain === undefined) return this.#neutral(node, 0, ["a", "b"]);
    const { inputs, attributes, outputs } = this.#productOf(plain)!;
    const matrix = inputs["a"]!;
    const other = { value: this.#values.make("float32", matrix.value.size), shape: matrix.shape };
    const sum = { value: this.#values.make("float32", matrix.value.size), shape: matrix.shape };
    const product = { value: this.#values.make("float32", plain.value.size), shape: outputs[0]!.shape };
    const call = { list: false, attributes: {} };
    const perm = turn(matrix.shape.length);
    this.#moved({
      ...call,
      kernel: tf.Transpose,
      inputs: { x: matrix },
      attributes: { perm },
      outputs: [other],
    });
    this.#keep({ ...call, kernel: tf.Add, inputs: { a: matrix, b: this.current(other) }, outputs: [sum] });
    this.#keep({
      ...call,
      kernel: tf.BatchMatMul,
      inputs: { a: this.current(sum), b: inputs["b"]! },
      attributes,
      outputs: [product],
    });
    const whole = this.current({ value: product.value, shape: plain.shape });
    const rest = inSum.filter((view) => view !== plain);
    if (plain === a) return this.#same(node, whole);
    return this.#keep({ ...node, inputs: { a: rest[0] ?? whole, b: whole } });
  }

  #productOf({ value }: View): Node | undefined {
    const maker = this.#makers.get(value);
    return maker?.kernel === tf.BatchMatMul ? maker : undefined;
  }

  /** Whether a view is a product with the same square matrix as `turned`, not transposed where that is. */
  #isTurned(view: View, turned: Node): boolean {
    const plain = this.#productOf(view);
    if (plain === undefined || plain.outputs[0]!.value.type !== "float32") return false;
    const [first, second] = [plain, turned].map(({ inputs }) => inputs["a"]!);
    return (
      plain.attributes["transposeA"] !== turned.attributes["transposeA"] &&
      first!.value === second!.value &&
      first!.shape.join() === second!.shape.join() &&
      first!.shape.at(-1) === first!.shape.at(-2) &&
      plain.inputs["b"]!.value === turned.inputs["b"]!.value &&
      plain.inputs["b"]!.shape.join() === turned.inputs["b"]!.shape.join()
    );
  }

  /** A transposed right-hand matrix is transposed by itself: other products with it share that. */
  #product(node: Node): void {
    const b = node.inputs["b"]!;
    if (node.attributes["transposeB"] !== true || b.value.type !== "float32") return this.#keep(node);
    const perm = turn(b.shape.length);
    const turned = {
      value: this.#values.make("float32", b.value.size),
      shape: perm.map((axis) => b.shape[axis]!),
    };
    this.#moved({
      kernel: tf.Transpose,
      inputs: { x: b },
      list: false,
      attributes: { perm },
      outputs: [turned],
    });
    const inputs = { a: node.inputs["a"]!, b: this.current(turned) };
    this.#keep({ ...node, inputs, attributes: { ...node.attributes, transposeB: false } });
  }

  #addN(node: Node): void {
    const views = Object.values(node.inputs);
    const [output] = node.outputs as [View];
    if (views.length === 1) return this.#same(node, views[0]!);
    let sum = views[0]!;
    views.slice(1).forEach((view, index) => {
      const last = index === views.length - 2;
      const next = last
        ? output
        : { value: this.#values.make(output.value.type, output.value.size), shape: output.shape };
      const inputs = { a: sum, b: view };
      this.#neutral({ kernel: tf.Add, inputs, list: false, attributes: {}, outputs: [next] }, 0, ["a", "b"]);
      sum = this.current(next);
    });
  }

  #tile(node: Node): void {
    const x = node.inputs["x"]!;
    const reps = node.attributes["reps"] as readonly number[];
    if (reps.every((times, axis) => times === 1 || x.shape[axis] === 1)) return this.#repeat(node, x);
    this.#keep(node);
  }

  #repeat(node: Node, x: View): void {
    const [output] = node.outputs as [View];
    if (output.value.size === x.value.size) return this.#same(node, x);
    const shape = [...Array<number>(output.shape.length - x.shape.length).fill(1), ...x.shape];
    const inputs = { x: { value: x.value, shape } };
    this.#keep({ kernel: REPEAT, inputs, list: false, attributes: {}, outputs: [output] });
  }

  /** Reductions over axes of length one and transpositions that move only such axes change nothing but the shape. */
  #moved(node: Node): void {
    const x = node.inputs["x"]!;
    const [output] = node.outputs as [View];
    if (node.kernel === tf.Transpose) {
      const perm = node.attributes["perm"] as readonly number[];
      const order = perm.filter((axis) => x.shape[axis] !== 1);
      const still = order.every((axis, place) => place === 0 || axis > order[place - 1]!);
      return still ? this.#same(node, x) : this.#keep(node);
    }
    const same = output.value.size === x.value.size && output.value.type === x.value.type;
    return same ? this.#same(node, x) : this.#keep(node);
  }

  /** An operand that is `number` everywhere changes nothing but the shape. */
  #neutral(node: Node, number: number, operands: readonly ("a" | "b")[]): void {
    const [output] = node.outputs as [View];
    for (const name of operands) {
      const other = node.inputs[name === "a" ? "b" : "a"]!;
      if (uniformOf(this, node.inputs[name]!) !== number || other.value.type !== output.value.type) continue;
      return this.#repeat(node, other);
    }
    this.#keep(node);
  }

  /** A float constant of one element. */
  #number(number: number): Value {
    const found = this.#numbers.get(number);
    if (found !== undefined) return found;
    const value = this.#values.make("float32", 1);
    this.constants.set(value, { uniform: Math.fround(number) });
    this.#numbers.set(number, value);
    return value;
  }
}

/** The permutation that exchanges the last two axes. */
const turn = (rank: number): number[] =>
  Array.from({ length: rank }, (_, axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis));
