/**
 * The executable definition of a loss: its value on a batch, whether the batch held a valid tuple, and the gradient, in
 * float64 and one number at a time. Lowering is tested against it and `dmlc try` prints it. Pure.
 *
 * `valid`: some outermost reduction of the body, that is one inside no other, held at least one present tuple. A
 * reduction over a list (unrolled) is looked through; a branch of an `if` that was not taken holds none; a loss without
 * a reduction is always valid. A batch without a valid tuple gives 0 with zero gradients, whatever else the body adds.
 */
import type { LossInstance, MinerInstance } from "../resolve/values.ts";
import { weighedByClass } from "./class_weights.ts";
import { InterpretError } from "./errors.ts";
import { Evaluation } from "./evaluate.ts";
import { expandedFor, expandLoss } from "./expand/loss.ts";
import type { BatchSizes, ExpandedLoss, ParamSizes } from "./expand/loss.ts";
import type { StateInfo } from "./expand/registry.ts";
import { isTensor } from "./expand/tensor.ts";
import type { Operand } from "./expand/tensor.ts";
import { drawn } from "./initializers.ts";
import { checkMemory, remember, withMemory } from "./memory.ts";
import type { Memory, Samples } from "./memory.ts";
import { noiseOf } from "./noise.ts";
import { children } from "./nodes.ts";
import type { Input, Node, Variable } from "./nodes.ts";
import { ABSENT, Tape } from "./tape.ts";
import type { Slot } from "./tape.ts";
import { isOverList, termsOf, watchable } from "./terms.ts";
import type { Terms } from "./terms.ts";

/** `rows` embeddings of `columns` numbers, row by row. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** A parameter's or state's values, row-major. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** What samples are by one label: class of each row, 0 to classes - 1. */
export interface LabelSet {
  readonly labels: readonly number[];
  readonly classes: number;
}

export interface LossBatch {
  /** One matrix for each view, of equal numbers of rows. */
  readonly views: readonly Matrix[];
  /** Class of each row, 0 to classes - 1. */
  readonly labels: readonly number[];
  readonly classes: number;
  /** What samples are by the further labels of the data set; by the class too where it has a name. */
  readonly further?: ReadonlyMap<string, LabelSet>;
  /** By name, `w`, or `w_2` for an inner loss's: every parameter that `paramShapes` lists. */
  readonly params?: ReadonlyMap<string, Tensor>;
  /** States before the step, by name; those not given have their initial values, drawn with seed 0. */
  readonly states?: ReadonlyMap<string, Tensor>;
  /** Random numbers of its draws, by name (`sample`, `miner/sample`); those not given are those of `randomness`. */
  readonly noise?: ReadonlyMap<string, Tensor>;
  /** The run and the step whose noise it is: seed 0 and step 0 where absent. */
  readonly randomness?: { readonly seed: number; readonly step: number };
  /** Identity of each row's sample: two rows with one identity are never `same`. By default all rows differ. */
  readonly ids?: readonly number[];
  /** `LOSS against memory(size)`: what earlier steps left. */
  readonly memory?: Memory;
}

export interface InterpretOptions {
  readonly gradient?: boolean;
  /** Whether the shares of the samples and the active tuples are wanted. */
  readonly terms?: boolean;
  /** `LOSS on MINER`. */
  readonly miner?: MinerInstance;
  /** `LOSS by LABEL`. */
  readonly by?: string | undefined;
  /** What the share of a sample is multiplied by, for each class of the loss's label; all 1 where absent. */
  readonly classWeights?: readonly number[] | undefined;
}

export interface Interpretation {
  readonly value: number;
  readonly valid: boolean;
  /** Numbers computed, and slopes between them: how much work another batch of these sizes is. */
  readonly work: number;
  readonly gradient?: {
    /** Derivatives with respect to each view, row by row. */
    readonly views: readonly Float64Array[];
    readonly params: ReadonlyMap<string, Float64Array>;
  };
  readonly terms?: Terms;
  /** States after the step. */
  readonly states: ReadonlyMap<string, Tensor>;
  /** What is remembered after the step, where the batch came with a memory. */
  readonly memory?: Memory;
}

/**
 * Evaluates a loss on a batch.
 * Throws `InterpretError` if the loss or the batch is malformed, `BudgetError` if it is too large.
 */
export function interpretLoss(
  instance: LossInstance,
  batch: LossBatch,
  options: InterpretOptions = {},
): Interpretation {
  checkBatch(batch);
  return interpretExpanded(expandLoss(instance, sizesOf(batch), options.miner, options.by), batch, options);
}

/**
 * `interpretLoss` for many batches of the sizes of `like`: the loss is expanded once. Throws as it does, for a batch of
 * other sizes too.
 */
export function interpreterFor(
  instance: LossInstance,
  like: LossBatch,
  options: InterpretOptions = {},
): (batch: LossBatch) => Interpretation {
  checkBatch(like);
  const sizes = JSON.stringify(sizesOf(like));
  const loss = expandLoss(instance, sizesOf(like), options.miner, options.by);
  return (batch) => {
    checkBatch(batch);
    if (JSON.stringify(sizesOf(batch)) !== sizes)
      throw new InterpretError("the batch is of other sizes than the loss was expanded for");
    return interpretExpanded(loss, batch, options);
  };
}

function sizesOf(batch: LossBatch): BatchSizes {
  return {
    batch: batch.labels.length,
    remembered: batch.memory?.labels.length ?? 0,
    classes: batch.classes,
    labels: classesByLabel(batch),
    dims: batch.views.map((view) => view.columns),
  };
}

function interpretExpanded(loss: ExpandedLoss, batch: LossBatch, options: InterpretOptions): Interpretation {
  const tape = new Tape(options.gradient === true || options.terms === true);
  const samples = withMemory(batch);
  const firstSlot = inputsOf(loss, batch, samples, tape);
  const given = options.classWeights;
  const weighed = given === undefined ? undefined : weighedByClass(loss, given.length, batch.labels.length);
  if (weighed !== undefined) firstSlot.set(weighed.weights, tape.fixed(Float64Array.from(given!)));
  const { reductions, lists } = outermost(loss.root);
  const watched = options.terms === true ? watchable([...reductions, ...lists]) : [];
  const evaluation = new Evaluation(loss.graph, tape, firstSlot, labelsOf(loss, samples), samples, watched);
  const plain = evaluation.evaluate(loss.root);
  const root = weighed === undefined ? plain : evaluation.evaluate(weighed.root);
  const valid = reductions.length === 0 || reductions.some((node) => evaluation.held[node.id]! > 0);
  const defined = valid && root !== ABSENT;
  const recorded = options.gradient === true || options.terms === true;
  const slopes = defined && recorded ? tape.backward(root) : undefined;
  const result = {
    value: defined ? tape.value(root) : 0,
    valid,
    work: tape.size,
    ...(options.terms === true ? { terms: termsOf(loss.root, evaluation, batch.labels.length, slopes) } : {}),
    states: nextStates(loss, evaluation),
    ...(batch.memory === undefined ? {} : { memory: remember(batch, batch.memory) }),
  };
  if (options.gradient !== true) return result;
  const of = (input: Input, length: number): Float64Array => {
    const first = firstSlot.get(input)!;
    return slopes?.slice(first, first + length) ?? new Float64Array(length);
  };
  return {
    ...result,
    gradient: {
      // The batch stands before what is remembered.
      views: loss.views.map((input, v) => of(input, batch.views[v]!.data.length)),
      params: new Map(
        loss.registry.parameters.map(({ input }) => [input.name, of(input, count(input.shape))]),
      ),
    },
  };
}

/** Classes of each further label. */
function classesByLabel({ further }: LossBatch): Record<string, number> {
  return Object.fromEntries([...(further ?? [])].map(([name, { classes }]) => [name, classes]));
}

/** Shapes of the parameters of a loss, by name, in order of declaration. */
export function paramShapes(instance: LossInstance, sizes: ParamSizes): Map<string, readonly number[]> {
  const { registry } = expandedFor(instance, sizes);
  return new Map(registry.parameters.map(({ input }) => [input.name, input.shape]));
}

function checkBatch(batch: LossBatch): void {
  const { labels, views, classes, ids, memory } = batch;
  if (labels.length === 0) throw new InterpretError("the batch holds no sample");
  for (const view of views)
    if (view.rows !== labels.length || view.data.length !== view.rows * view.columns)
      throw new InterpretError(`${view.rows} embeddings and ${labels.length} labels do not match`);
  if (ids !== undefined && ids.length !== labels.length)
    throw new InterpretError(`${ids.length} identities and ${labels.length} labels do not match`);
  if (memory !== undefined) checkMemory(batch, memory);
  for (const label of [...labels, ...(memory?.labels ?? [])])
    if (!Number.isInteger(label) || label < 0 || label >= classes)
      throw new InterpretError(`label ${label} is not a class from 0 to ${classes - 1}`);
  for (const [name, { labels: own, classes: count }] of batch.further ?? []) {
    if (own.length !== labels.length)
      throw new InterpretError(`${own.length} labels ${name} and ${labels.length} labels do not match`);
    for (const label of [...own, ...(memory?.further?.get(name) ?? [])])
      if (!Number.isInteger(label) || label < 0 || label >= count)
        throw new InterpretError(`${name} ${label} is not a class from 0 to ${count - 1}`);
  }
}

/** The labels of the samples of each input that is a label. */
function labelsOf(loss: ExpandedLoss, samples: Samples): Map<Input, ArrayLike<number>> {
  const further = loss.labels.inputs.map(
    ([name, input]) => [input, samples.further.get(name) ?? []] as const,
  );
  return new Map([[loss.labels.main, samples.labels], ...further]);
}

/** Puts the inputs on the tape: views, then parameters, which gradients are asked of; then states and noise. */
function inputsOf(loss: ExpandedLoss, batch: LossBatch, { views }: Samples, tape: Tape): Map<Input, Slot> {
  const firstSlot = new Map<Input, Slot>();
  loss.views.forEach((input, position) => firstSlot.set(input, tape.inputs(views[position]!.data)));
  for (const { input } of loss.registry.parameters) {
    const given = batch.params?.get(input.name);
    if (given === undefined) throw new InterpretError(`the parameter ${input.name} has no values`);
    firstSlot.set(input, tape.inputs(matching(input, given)));
  }
  for (const { input, initial } of loss.registry.states) {
    const given = batch.states?.get(input.name);
    const data = given === undefined ? firstValues(input, initial, loss) : matching(input, given);
    firstSlot.set(input, tape.fixed(data));
  }
  for (const draw of loss.registry.draws) firstSlot.set(draw.input, tape.fixed(noiseOf(loss, draw, batch)));
  return firstSlot;
}

function matching(input: Input, given: Tensor): Float64Array {
  if (given.shape.join() !== input.shape.join() || given.data.length !== count(input.shape))
    throw new InterpretError(
      `${input.name} has shape [${input.shape.join(", ")}], and [${given.shape.join(", ")}] was given`,
    );
  return given.data;
}

/** What a state starts from; of an initialiser, as a run with seed 0 draws it. */
function firstValues(input: Input, initial: StateInfo["initial"], { name }: ExpandedLoss): Float64Array {
  if ("arguments" in initial) return drawn(initial, input, 0, `losses/${name}`);
  if (initial.kind !== "number") throw new InterpretError(`the state ${input.name} starts from a constant`);
  return new Float64Array(count(input.shape)).fill(initial.value);
}

function nextStates(loss: ExpandedLoss, evaluation: Evaluation): Map<string, Tensor> {
  const states = new Map<string, Tensor>();
  for (const { input, next, over } of loss.registry.states) {
    const elements = elementsOf(loss, input, next);
    // An absent value leaves the state as it was.
    const before = elementsOf(loss, input, input.shape.length === 0 ? loss.graph.element(input, []) : input);
    const data = elements.map((node, place) => {
      standAt(over, place);
      return evaluation.read(node) ?? evaluation.read(before[place]!) ?? 0;
    });
    states.set(input.name, { shape: input.shape, data: Float64Array.from(data) });
  }
  return states;
}

/** Sets the indices of a table to those of the element at this place, row-major. */
function standAt(over: readonly Variable[], place: number): void {
  let rest = place;
  for (const variable of over.toReversed()) {
    variable.value = rest % variable.size!;
    rest = Math.floor(rest / variable.size!);
  }
}

/** The elements of a number or tensor, row-major; a number fills the shape. */
function elementsOf(loss: ExpandedLoss, input: Input, operand: Operand): Node[] {
  if (isTensor(operand) && operand.shape.join() !== input.shape.join())
    throw new InterpretError(`the next value of ${input.name} has another shape`);
  return Array.from({ length: count(input.shape) }, (_, place) => {
    if (!isTensor(operand)) return operand;
    const indices: Node[] = [];
    let rest = place;
    for (const length of [...input.shape].reverse()) {
      indices.unshift(loss.graph.number(rest % length));
      rest = Math.floor(rest / length);
    }
    return loss.tensors.at(operand, indices) as Node;
  });
}

/** What binds indices as a reduction does, and always has a tuple: reductions inside are none of the outermost. */
const ALIKE_REDUCTIONS: ReadonlySet<string> = new Set(["norm", "solve", "kmeans"]);

/** The reductions that no other reduction holds, lists looked through, and the reductions over those lists. */
function outermost(root: Node): { readonly reductions: readonly Node[]; readonly lists: readonly Node[] } {
  const reductions: Node[] = [];
  const lists: Node[] = [];
  const seen = new Set<Node>();
  const open = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (isOverList(node)) {
      lists.push(node);
      open.push(...node.branches.map((branch) => branch.body));
    } else if (node.kind === "reduce" || node.kind === "squared_distance") reductions.push(node);
    else if (!ALIKE_REDUCTIONS.has(node.kind)) open.push(...children(node));
  }
  return { reductions, lists };
}

function count(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
