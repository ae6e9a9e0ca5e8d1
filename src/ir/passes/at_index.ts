/**
 * A node with one of its sides taken at an index: the index's value stands where the side's numbers stood. Parameters
 * give their rows there, products of rows take those rows alone, and what is made of them elementwise is made again of
 * less. Used by the pass `at-label`.
 */
import type { Axis, Lowered } from "../axes.ts";
import { aligned, labelled, union } from "../axes.ts";
import type { Builder } from "../build.ts";
import type { Node } from "../graph.ts";
import { elementwise, isElementwise } from "./rebuild.ts";

/** Formulas nested deeper than this are left as they are. */
const DEEPEST = 400;
/** Axes that no caller has named, the components of vectors among them, come after all others. */
const UNNAMED = 1e6;

/** `index over a side == label`. */
export interface Equality {
  readonly axis: Axis;
  /** The index that the side's is compared with; does not vary along `axis`. */
  readonly label: Lowered;
  /** The comparison itself. */
  readonly equal: Lowered;
}

export class AtIndex {
  /** Operations that are no longer computed along the whole side, and values taken out of what still is. */
  rebuilt = 0;
  picked = 0;

  private readonly build: Builder;
  private readonly equality: Equality;
  private readonly known = new Map<string, Lowered | undefined>();
  private depth = 0;

  constructor(build: Builder, equality: Equality) {
    this.build = build;
    this.equality = equality;
  }

  /** A node whose sides are the given axes; undefined where it has no such form. */
  of(node: Node, axes: readonly Axis[]): Lowered | undefined {
    const { operation, inputs } = node;
    if (operation.kind === "view") {
      const [base] = inputs as [Node];
      const sides = base.shape.map((_, side) => axes[operation.axes.indexOf(side)]!);
      return this.of(base, sides);
    }
    if (!this.varies(node, axes)) return labelled(this.build, node, axes);
    const key = `${node.id} ${axes.map(({ order }) => order).join()}`;
    if (this.known.has(key)) return this.known.get(key);
    if (this.depth > DEEPEST) return undefined;
    this.depth++;
    const result = this.inside(node, axes) ?? this.taken(node, axes);
    this.depth--;
    if (result !== undefined && node.hint !== undefined) result.node.hint ??= this.named(node.hint);
    this.known.set(key, result);
    return result;
  }

  private named(hint: string): string {
    return `${hint}_at_${this.equality.label.node.operation.kind === "labels" ? "label" : "index"}`;
  }

  private varies(node: Node, axes: readonly Axis[]): boolean {
    const at = axes.findIndex(({ order }) => order === this.equality.axis.order);
    return at >= 0 && node.shape[at] !== 1;
  }

  /** Computed from its inputs at the index; undefined for what has no such form. */
  private inside(node: Node, axes: readonly Axis[]): Lowered | undefined {
    const { operation, inputs } = node;
    const { build } = this;
    if (isElementwise(node)) return this.elementwise(node, axes);
    switch (operation.kind) {
      case "iota":
        return operation.from === 0 ? this.equality.label : undefined;
      case "normalize":
      case "prefix": {
        const input = this.of(inputs[0]!, axes);
        if (input === undefined || !endsWith(input, axes.at(-1)!)) return undefined;
        const made =
          operation.kind === "prefix"
            ? build.prefix(input.node, operation.size)
            : build.unary("normalize", input.node);
        return { node: made, axes: input.axes };
      }
      case "norm": {
        const [components] = this.fresh(axes, [inputs[0]!.shape.at(-1)!]) as [Axis];
        const input = this.of(inputs[0]!, [...axes, components]);
        if (input === undefined || !endsWith(input, components)) return undefined;
        return { node: build.unary("norm", input.node), axes: input.axes.slice(0, -1) };
      }
      case "matmul":
      case "squared_distance": {
        const [left, right] = inputs as [Node, Node];
        const shared = operation.kind === "matmul" ? operation.shared : left.shape.length - 2;
        const [components] = this.fresh(axes, [left.shape.at(-1)!]) as [Axis];
        const rows = axes.slice(0, left.shape.length - 1);
        const columns = [...axes.slice(0, shared), ...axes.slice(rows.length)];
        const u = this.of(left, [...rows, components]);
        const v = this.of(right, [...columns, components]);
        if (u === undefined || v === undefined) return undefined;
        if (!endsWith(u, components) || !endsWith(v, components)) return undefined;
        this.rebuilt++;
        return operation.kind === "matmul" ? this.product(u, v) : this.pairedDistance(u, v);
      }
      case "paired_squared_distance": {
        const [components] = this.fresh(axes, [inputs[0]!.shape.at(-1)!]) as [Axis];
        const [u, v] = inputs.map((input) => this.of(input, lastOf(input, [...axes, components])));
        if (u === undefined || v === undefined) return undefined;
        if (!endsWith(u, components) && !endsWith(v, components)) return undefined;
        this.rebuilt++;
        return this.pairedDistance(u, v);
      }
      case "reduce": {
        const rank = axes.length + operation.axes.length;
        const full = Array.from(
          { length: rank },
          (_, k) =>
            inputs
              .map(({ shape }) => shape[k - rank + shape.length])
              .find((side) => side !== undefined && side !== 1) ?? 1,
        );
        const reduced = this.fresh(
          axes,
          operation.axes.map((axis) => full[axis]!),
        );
        const left = [...axes];
        const own = full.map((_, k) =>
          operation.axes.includes(k) ? reduced[operation.axes.indexOf(k)]! : left.shift()!,
        );
        const [body, mask] = inputs.map((input) => this.of(input, lastOf(input, own)));
        if (body === undefined || (inputs.length > 1 && mask === undefined)) return undefined;
        return this.reduced(operation.op, body, mask, reduced);
      }
      default:
        return undefined;
    }
  }

  private elementwise(node: Node, axes: readonly Axis[]): Lowered | undefined {
    const { build } = this;
    const parts = node.inputs.map((input) => this.of(input, lastOf(input, axes)));
    if (parts.includes(undefined)) return undefined;
    const all = union(parts as Lowered[]);
    const inputs = (parts as Lowered[]).map((part) => aligned(build, part, all));
    this.rebuilt++;
    const { kind } = node.operation;
    // The index is equal to itself.
    if ((kind === "eq" || kind === "ne") && inputs[0] === inputs[1] && inputs[0]!.type === "int")
      return { node: build.graph.constant(kind === "eq" ? 1 : 0, "bool"), axes: [] };
    const made = elementwise(build, node, inputs)!;
    return { node: made, axes: all.slice(all.length - made.shape.length) };
  }

  /** Products of rows: of one row with one each, or of several with several as a matrix product. */
  private product(u: Lowered, v: Lowered): Lowered {
    const { build } = this;
    const all = union([u, v]);
    const components = all.length - 1;
    const on = (factor: Lowered, axis: Axis): boolean =>
      factor.axes.some(({ order }) => order === axis.order);
    const sides = all.slice(0, -1);
    const rows = sides.filter((axis) => !on(v, axis));
    const columns = sides.filter((axis) => !on(u, axis));
    if (rows.length === 0 || columns.length === 0) {
      const products = build.binary("mul", aligned(build, u, all), aligned(build, v, all));
      return { node: build.reduce("sum", products, undefined, [components]), axes: sides };
    }
    const shared = sides.filter((axis) => on(u, axis) && on(v, axis));
    const matrix = (factor: Lowered, own: readonly Axis[]): Node =>
      aligned(build, factor, [...shared, ...own, all.at(-1)!]);
    const node = build.matmul(matrix(u, rows), matrix(v, columns), shared.length);
    return labelled(build, node, [...shared, ...rows, ...columns]);
  }

  private pairedDistance(u: Lowered, v: Lowered): Lowered {
    const all = union([u, v]);
    const [a, b] = [u, v].map((factor) => aligned(this.build, factor, all)) as [Node, Node];
    return { node: this.build.pairedSquaredDistance(a, b), axes: all.slice(0, -1) };
  }

  private reduced(
    op: Extract<Node["operation"], { kind: "reduce" }>["op"],
    body: Lowered,
    mask: Lowered | undefined,
    axes: readonly Axis[],
  ): Lowered | undefined {
    const given = mask === undefined ? [body] : [body, mask];
    const all = union(given);
    const places = axes.map((axis) => all.findIndex(({ order }) => order === axis.order));
    const whole = (axis: Axis): boolean =>
      given.some(
        ({ node, axes: own }) => node.shape[own.findIndex(({ order }) => order === axis.order)] === axis.size,
      );
    // A body that no longer varies along a side would be added up once instead of as often as the side is long.
    if (!axes.every(whole)) return undefined;
    this.rebuilt++;
    const [first, where] = given.map((each) => aligned(this.build, each, all)) as [Node, Node | undefined];
    const left = all.filter((_, k) => !places.includes(k));
    return { node: this.build.reduce(op, first, where, places), axes: left };
  }

  /** Taken out of the whole node: its rows where it has none of the index's own sides, else the one that is equal. */
  private taken(node: Node, axes: readonly Axis[]): Lowered | undefined {
    const { build } = this;
    const { axis, label, equal } = this.equality;
    const at = axes.findIndex(({ order }) => order === axis.order);
    const others = axes.filter((_, k) => k !== at);
    if (others.some(({ order }) => label.axes.some((own) => own.order === order))) {
      if (node.type !== "real") return undefined;
      this.picked++;
      const wide = labelled(build, node, axes);
      const all = union([wide, equal]);
      const place = all.findIndex(({ order }) => order === axis.order);
      const sum = build.reduce("sum", aligned(build, wide, all), aligned(build, equal, all), [place]);
      return { node: sum, axes: all.filter((_, k) => k !== place) };
    }
    if (label.node.operation.kind === "iota")
      return labelled(
        build,
        node,
        axes.map((own, k) => (k === at ? label.axes[0]! : own)),
      );
    if (node.type === "bool") return undefined;
    const order = [at, ...axes.map((_, k) => k).filter((k) => k !== at)];
    const rows = build.gather(build.view(node, order), label.node);
    return labelled(build, rows, [...label.axes, ...others]);
  }

  /** Axes after all of the given ones. */
  private fresh(axes: readonly Axis[], sizes: readonly Axis["size"][]): Axis[] {
    const first = Math.max(UNNAMED, ...axes.map(({ order }) => order + 1));
    return sizes.map((size, k) => ({ order: first + k, size, from: 0, name: "_" }));
  }
}

/** The axes of an operand of a broadcast. */
const lastOf = (input: Node, axes: readonly Axis[]): readonly Axis[] =>
  axes.slice(axes.length - input.shape.length);

const endsWith = ({ axes }: Lowered, last: Axis): boolean => axes.at(-1)?.order === last.order;
