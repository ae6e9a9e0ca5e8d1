/**
 * Expands a whole loss: the globals, its parameters, its statements, its body; and losses used inside it. The entry of
 * this folder is `expandLoss`, called by `interpret.ts`. Pure.
 */
import { MINER_DRAWS, nameDraws } from "../../resolve/draws.ts";
import type { Call } from "../../syntax/ast.ts";
import type { LossInstance, MinerInstance } from "../../resolve/values.ts";
import { InterpretError, MinerError } from "../errors.ts";
import { Graph } from "../graph.ts";
import type { Input, Node } from "../nodes.ts";
import { Frame, meaningOf } from "./environment.ts";
import { expand, expandNode } from "./expand.ts";
import type { Expansion } from "./expand.ts";
import { Labels } from "./labels.ts";
import { settleDraws } from "./draws.ts";
import { Registry } from "./registry.ts";
import { bindStatement } from "./statements.ts";
import { isTensor, Tensors } from "./tensor.ts";
import type { Tensor } from "./tensor.ts";

/** Sizes that an expanded loss depends on. */
export interface BatchSizes {
  readonly batch: number;
  /** Samples remembered from earlier steps. */
  readonly remembered: number;
  readonly classes: number;
  /** Classes of each further label of the data set. */
  readonly labels?: Readonly<Record<string, number>>;
  /** Width of each view. */
  readonly dims: readonly number[];
}

/** Sizes that the parameters of a loss depend on. */
export interface ParamSizes {
  readonly classes: number;
  readonly dim: number;
  /** Classes of each further label of the data set. */
  readonly labels?: Readonly<Record<string, number>>;
  /** `LOSS by LABEL`. */
  readonly by?: string | undefined;
}

export interface ExpandedLoss {
  /** As it is declared. */
  readonly name: string;
  readonly graph: Graph;
  readonly tensors: Tensors;
  readonly root: Node;
  readonly views: readonly Input[];
  readonly labels: Labels;
  readonly registry: Registry;
}

/** Names of the views: those of `of (u, v)`, or `x`. */
export function viewNames(instance: LossInstance): readonly string[] {
  return instance.declaration.views?.map((view) => view.text) ?? ["x"];
}

export function expandLoss(
  instance: LossInstance,
  sizes: BatchSizes,
  miner: MinerInstance | undefined,
  by?: string,
): ExpandedLoss {
  const graph = new Graph();
  const tensors = new Tensors(graph);
  const names = viewNames(instance);
  if (sizes.dims.length !== names.length)
    throw new InterpretError(
      `${instance.declaration.name.text} takes ${names.length} view(s) of the batch, and ${sizes.dims.length} were given`,
      instance.span,
    );
  const samples = sizes.batch + sizes.remembered;
  const views = names.map((name, position) => graph.input("view", name, [samples, sizes.dims[position]!]));
  const labels = new Labels(graph, samples, sizes.classes, sizes.labels ?? {}, by);
  const registry = new Registry();
  const expansion: Expansion = {
    graph,
    tensors,
    registry,
    labels,
    batch: sizes.batch,
    samples,
    miner,
    memo: new Map(),
    drawNames: new Map(),
    minerFrames: new Map(),
    lets: 0,
    guarding: false,
    mined: false,
    reducing: false,
    depth: 0,
  };
  nameDraws(expansion.drawNames, instance.declaration, "");
  if (miner !== undefined) nameDraws(expansion.drawNames, miner.declaration, MINER_DRAWS);
  const root = expandBody(expansion, instance, views);
  if (miner !== undefined && !expansion.mined)
    throw new MinerError(
      `${instance.declaration.name.text} has no tuples that ${miner.declaration.name.text} could choose among`,
      miner.span,
    );
  for (const variable of graph.variables)
    if (variable.samples && variable.staysInBatch && !variable.declared) variable.size = sizes.batch;
  settleDraws(expansion);
  const { text: name } = instance.declaration.name;
  return { name, graph, tensors, root, views, labels, registry };
}

/** A loss on no batch in particular: for its parameters and states. */
export function expandedFor(instance: LossInstance, { classes, dim, labels, by }: ParamSizes): ExpandedLoss {
  const dims = viewNames(instance).map(() => dim);
  const sizes = { batch: 1, remembered: 0, classes, dims };
  return expandLoss(instance, labels === undefined ? sizes : { ...sizes, labels }, undefined, by);
}

function expandBody(e: Expansion, instance: LossInstance, views: readonly Tensor[]): Node {
  const { declaration } = instance;
  let frame = new Frame(instance.scope);
  frame.bind("y", e.labels.own.input);
  frame.bind("batch", e.graph.number(e.batch));
  frame.bind("classes", e.graph.number(e.labels.own.classes));
  frame.bind("dim", e.graph.number(views[0]!.shape.at(-1)!));
  viewNames(instance).forEach((name, position) => frame.bind(name, views[position]!));
  for (const [name, value] of instance.parameters) {
    const meaning = meaningOf(value, e.graph);
    if (meaning !== undefined) frame.set(name, meaning);
  }
  for (const statement of declaration.statements) {
    if (statement.kind === "Assignment")
      throw new InterpretError("only a miner assigns its indices", statement.span);
    frame = bindStatement(e, statement, frame);
  }
  return expandNode(e, declaration.body, frame);
}

/**
 * `inner(x: normalize(prefix(x, m)))`: the loss on other embeddings of the same samples; `inner(x: w)`: on the rows of a
 * parameter, which a regulariser takes as well.
 */
export function expandInnerLoss(
  e: Expansion,
  call: Call,
  name: string,
  loss: LossInstance,
  frame: Frame,
): Node {
  const names = viewNames(loss);
  const views = new Map<string, Tensor>();
  call.arguments.forEach((argument, position) => {
    const view = argument.name?.text ?? names[position];
    const operand = expand(e, argument.value, frame);
    if (view === undefined || !names.includes(view) || !isTensor(operand) || operand.shape.length !== 2)
      throw new InterpretError(`${name} takes the views (${names.join(", ")})`, argument.span);
    views.set(view, operand);
  });
  const ordered = names.map((view) => views.get(view));
  if (ordered.includes(undefined))
    throw new InterpretError(`${name} takes the views (${names.join(", ")})`, call.span);
  nameDraws(e.drawNames, loss.declaration, `${loss.declaration.name.text}/`);
  return expandBody(e, loss, ordered as Tensor[]);
}
