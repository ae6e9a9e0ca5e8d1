/**
 * Lowering of `LOSS against memory(size)`: the samples of earlier steps behind those of the batch (Wang, Zhang, Huang &
 * Scott 2020). The laws are those of `src/interpret/memory.ts`, on tensors of a fixed shape. Called where indices are
 * bound, pairs compared, and a whole loss is lowered.
 *
 * - An index of samples has the axis `batch+size`: the batch's rows, then the memory's, the oldest first. The first index
 *   of a reduction in no other, ordered indices and `i in batch` have the axis `batch`.
 * - The memory is filled from its end. A place that holds nothing yet has label -1 and identity -1: no `same` or `differs`
 *   holds there, and a reduction whose guards name neither for an index is masked to the places that are filled.
 * - Which indices are ordered is known once the formula is lowered, so it is lowered again until that agrees with what
 *   was assumed: once for a formula without order, else twice.
 * - The memory belongs to a head and a size, labels and identities to a size: losses share them.
 */
import type { Axis, Lowered } from "../axes.ts";
import type { Builder } from "../build.ts";
import type { Dim, Node, SamplesDim } from "../graph.ts";
import type { Context, LossState } from "./environment.ts";

/** What lowering a loss against a memory works with and finds out. */
export interface Remembering {
  readonly size: number;
  /** The side of all samples. */
  readonly samples: SamplesDim;
  /** Embeddings of the view over all samples. */
  readonly embeddings: Node;
  /** The classes, and what samples are by the further labels that the formula has named so far. */
  readonly labels: Map<string | undefined, RememberedLabels>;
  readonly ids: Node;
  /** Which of all samples are there. */
  readonly filled: Node;
  readonly states: LossState[];
  /** Indices that are taken to be ordered, by rank; and those that were found to be. */
  readonly ordered: ReadonlySet<number>;
  readonly found: Set<number>;
  /** Indices of samples that stay in the batch. */
  readonly staying: Set<number>;
  /** Whether an index runs over the memory, or would but for its order. */
  reached: boolean;
  withheld: boolean;
}

/** What samples are by one label. */
export interface RememberedLabels {
  /** Over all samples; -1 where nothing is remembered yet. */
  readonly labels: Node;
  /** Over all samples, some class where nothing is remembered yet: what a formula reads. */
  readonly classes: Node;
}

/** A memory of `size` samples of a head whose embedding is `input` [batch, dim]. */
export function remembering(
  build: Builder,
  size: number,
  head: string,
  input: Node,
  ordered: ReadonlySet<number>,
): Remembering {
  const path = `memory/${size}`;
  const before = (name: string, shape: readonly number[], hint: string): Node => {
    const node = build.state(`${path}/${name}`, shape);
    node.hint ??= hint;
    return node;
  };
  const dim = input.shape[1] as number;
  const embeddings = before(`embeddings/${head}`, [size, dim], `remembered_${head}`);
  const labels = before("labels", [size], "remembered_labels");
  const ids = before("ids", [size], "remembered_ids");
  const allLabels = joined(build, build.labels(), labels, "labels_and_memory");
  const filled = build.binary("ge", allLabels, build.graph.constant(0, "int"));
  filled.hint ??= "filled";
  return {
    size,
    samples: `batch+${size}`,
    embeddings: joined(build, input, embeddings, `${head}_and_memory`),
    labels: new Map([
      [
        undefined,
        {
          labels: allLabels,
          classes: joined(build, build.labels(), build.unary("relu", labels), "classes_and_memory"),
        },
      ],
    ]),
    ids: joined(build, build.ids(), ids, "ids_and_memory"),
    filled,
    states: [
      state(build, embeddings, input, 0),
      state(build, labels, build.labels(), -1),
      state(build, ids, build.ids(), -1),
    ],
    ordered,
    found: new Set(),
    staying: new Set(),
    reached: false,
    withheld: false,
  };
}

function joined(build: Builder, ofBatch: Node, memory: Node, hint: string): Node {
  const node = build.joined(ofBatch, memory);
  node.hint ??= hint;
  return node;
}

function state(build: Builder, memory: Node, ofBatch: Node, initial: number): LossState {
  const { name } = memory.operation as { readonly name: string };
  const next = build.remember(memory, ofBatch);
  return { name, shape: memory.shape, initial, next, transient: true };
}

/** What all samples are by a label; a further label is remembered from its first use on. */
export function rememberedLabels(
  build: Builder,
  memory: Remembering,
  label: string | undefined,
): RememberedLabels {
  const known = memory.labels.get(label);
  if (known !== undefined) return known;
  const before = build.state(`memory/${memory.size}/labels/${label}`, [memory.size]);
  before.hint ??= `remembered_${label}_labels`;
  const ofBatch = build.labels(label);
  const made: RememberedLabels = {
    labels: joined(build, ofBatch, before, `${label}_labels_and_memory`),
    classes: joined(build, ofBatch, build.unary("relu", before), `${label}_classes_and_memory`),
  };
  memory.labels.set(label, made);
  memory.states.push(state(build, before, ofBatch, -1));
  return made;
}

/** The side of all samples that indices run over. */
export function samplesOf({ memory }: Context): Dim {
  return memory?.samples ?? "batch";
}

/** What an index whose uses say `size` runs over. `first`: of a reduction. */
export function reachOf({ memory, reducing }: Context, size: Dim, order: number, first: boolean): Dim {
  if (memory === undefined || size !== memory.samples) return size;
  const leads = first && !reducing;
  const ordered = memory.ordered.has(order);
  if (!leads && !ordered) {
    memory.reached = true;
    return size;
  }
  if (!leads) memory.withheld = true;
  memory.staying.add(order);
  return "batch";
}

/** What an index that is compared with this one runs over, if nothing else says it. */
export function domainOf({ memory }: Context, { order, size }: Axis): Dim {
  return memory?.staying.has(order) === true ? memory.samples : size;
}

/** Whether a value is an index as it was bound, and not computed. */
const isIndex = ({ node, axes }: Lowered): boolean => node.operation.kind === "iota" && axes.length === 1;

/** Takes note of an order: its indices stay in the batch. */
export function noteOrder({ memory }: Context, left: Lowered, right: Lowered): void {
  if (memory === undefined || !isIndex(left) || !isIndex(right)) return;
  memory.found.add(left.axes[0]!.order).add(right.axes[0]!.order);
}

/** Whether an axis is one of samples: of the batch, or of batch and memory. */
export function isOfSamples(context: Context, { size, from }: Axis): boolean {
  return from === 0 && (size === "batch" || size === context.memory?.samples);
}

/** Two indices of samples are equal if they stand for one sample; any other value is compared as it is. */
export function asSamples(context: Context, left: Lowered, right: Lowered): [Lowered, Lowered] {
  const { memory } = context;
  if (memory === undefined) return [left, right];
  const both = [left, right].every((side) => isIndex(side) && isOfSamples(context, side.axes[0]!));
  return both ? [idsOn(context, left.axes[0]!), idsOn(context, right.axes[0]!)] : [left, right];
}

const idsOn = ({ build, memory }: Context, axis: Axis): Lowered => ({
  node: axis.size === "batch" ? build.ids() : memory!.ids,
  axes: [axis],
});

/** `same(i, j)` or `differs(i, j)` over two different indices of samples, the outer one first. */
export function pairAgainst(
  context: Context,
  memory: Remembering,
  kind: "same" | "differs",
  [outer, inner]: readonly [Axis, Axis],
  label: string | undefined,
): Lowered {
  const { build } = context;
  const side = (axis: Axis): readonly [Node, Node] =>
    axis.size === "batch"
      ? [build.labels(label), build.ids()]
      : [rememberedLabels(build, memory, label).labels, memory.ids];
  return { node: build.pairsAmong(kind, side(outer), side(inner), label), axes: [outer, inner] };
}

/** For each axis that runs over the memory, which of its samples are there. */
function filledOn({ memory }: Context, axes: readonly Axis[]): Lowered[] {
  return axes
    .filter((axis) => memory !== undefined && axis.size === memory.samples)
    .map((axis) => ({ node: memory!.filled, axes: [axis] }));
}

/** Guards to what is filled, for those of the indices that none of the conditions keeps there by a `same` or `differs`. */
export function filledGuards(
  context: Context,
  axes: readonly Axis[],
  conditions: readonly Lowered[],
): Lowered[] {
  const compared = conditions.flatMap(({ pairs = [] }) =>
    pairs.flatMap(({ indices, own }) => (own === true ? [] : indices)),
  );
  const kept = (axis: Axis): boolean => compared.some(({ order }) => order === axis.order);
  return filledOn(
    context,
    axes.filter((axis) => !kept(axis)),
  );
}
