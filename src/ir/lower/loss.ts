/**
 * Lowering of a whole loss: an instance (every parameter bound) on an embedding becomes two scalars of the graph, its
 * value and whether the batch held a valid tuple, and the list of its trainable parameters.
 */
import { MINER_DRAWS, nameDraws } from "../../resolve/draws.ts";
import type { ClassWeights } from "../../plan/plan.ts";
import type { LossInstance, MinerInstance } from "../../resolve/values.ts";
import type { Reduction } from "../../syntax/ast.ts";
import type { Span } from "../../source/source.ts";
import type { Lowered } from "../axes.ts";
import { scalar, slot } from "../axes.ts";
import type { Rules } from "../build.ts";
import { Builder } from "../build.ts";
import type { Dim, Graph, Node } from "../graph.ts";
import { classesOf, constantOf } from "../graph.ts";
import { combine, disjunction, masked } from "./combine.ts";
import type {
  Context,
  LossNoise,
  LossClassWeights,
  LossParameter,
  LossState,
  OutermostReduction,
} from "./environment.ts";
import { Environment, GranularityError, LoweringError, MinerError } from "./environment.ts";
import { lower } from "./expression.ts";
import { classCount, labelsOf, ownLabel } from "./labels.ts";
import { remembering } from "./memory.ts";
import { lowerParam } from "./parameters.ts";
import { lowerState } from "./states.ts";
import { SAMPLE, mappedShares, sharesOf } from "./shares.ts";

/** Expressions expanded for one loss before it is refused. */
const BUDGET = 200_000;
/** Lowerings of one loss against a memory until its ordered indices are settled: one after the other may come to light. */
const ATTEMPTS = 8;

export interface LoweredLoss {
  /** A real scalar. */
  readonly value: Node;
  /** A bool scalar: whether there was a valid tuple. */
  readonly valid: Node;
  /** The shares of the samples, where they were asked for. */
  readonly shares?: LossShares;
  readonly parameters: readonly LossParameter[];
  readonly states: readonly LossState[];
  readonly noise: readonly LossNoise[];
  /** The expressions that came to each node, innermost first: for messages. */
  readonly origins: ReadonlyMap<Node, readonly Span[]>;
  readonly reductions: readonly OutermostReduction[];
  /** What the shares of its samples are multiplied by. */
  readonly classWeights?: LossClassWeights;
  /** The further labels of the data set that it reads. */
  readonly labels: readonly string[];
  /** Of a loss against a memory: whether an index runs over it, and whether one would but for an order. */
  readonly memory?: { readonly reached: boolean; readonly withheld: boolean };
}

export interface LossShares {
  /** [batch]. Its mean plus `constant` is the loss's value, gradients included. */
  readonly perSample: Node;
  /** A real scalar: what depends on no sample. */
  readonly constant: Node;
}

export interface LossInputs {
  /** `losses/arc`: the prefix of its parameters' names. */
  readonly path: string;
  /** The embedding of each view: its name, its width, and which view of the batch it is (the first where absent). */
  readonly views: readonly { readonly name: string; readonly dim: number; readonly view?: number }[];
  /** `LOSS on MINER`. */
  readonly miner?: MinerInstance | undefined;
  /** `LOSS against memory(size)`: of a loss of one view. */
  readonly memory?: number | undefined;
  /** `LOSS by LABEL`. */
  readonly by?: string | undefined;
  /** What the data set calls the class, where it names its labels. */
  readonly mainLabel?: string | undefined;
  /** Whether the shares of the samples are wanted. */
  readonly shares?: boolean | undefined;
  /** How the samples are weighed by their class; all the same where absent. */
  readonly classWeights?: ClassWeights | undefined;
  /** The rules at work as nodes are made: all, unless passes are to bring them in. */
  readonly rules?: Rules | undefined;
}

/**
 * Throws `LoweringError` for what cannot be built: `MinerError` where the miner has nothing to choose among,
 * `GranularityError` where a loss that is not a mean over samples is asked for their shares.
 */
export function lowerLoss(graph: Graph, instance: LossInstance, inputs: LossInputs): LoweredLoss {
  if (inputs.memory !== undefined && inputs.views.length > 1)
    throw new LoweringError(instance.span, "a loss of several views against a memory");
  let ordered: ReadonlySet<number> = new Set();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { lowered, found } = lowerWith(graph, instance, inputs, ordered);
    if (found.size === ordered.size && [...found].every((order) => ordered.has(order))) return lowered;
    ordered = found;
  }
  throw new LoweringError(instance.span, "an order of indices that depends on itself against a memory");
}

const NONE: ReadonlySet<number> = new Set();

/** The loss if these indices, by rank, are ordered and so stay in the batch; and those that were found to be. */
function lowerWith(
  graph: Graph,
  instance: LossInstance,
  inputs: LossInputs,
  ordered: ReadonlySet<number>,
): { lowered: LoweredLoss; found: ReadonlySet<number> } {
  const build = new Builder(graph, inputs.rules);
  const views = inputs.views.map(({ name, dim, view }) => build.input(name, dim, view));
  const memory =
    inputs.memory === undefined
      ? undefined
      : remembering(build, inputs.memory, inputs.views[0]!.name, views[0]!, ordered);
  const context: Context = {
    build,
    lower,
    expand,
    path: inputs.path,
    parameters: [],
    states: [],
    noise: [],
    drawNames: namesOfDraws(instance, inputs.miner),
    outermost: [],
    miner: inputs.miner,
    mined: false,
    minerBodies: new Map(),
    reductions: [],
    guarding: false,
    sharing: inputs.shares === true || inputs.classWeights !== undefined,
    memory,
    labels: { main: inputs.mainLabel, by: inputs.by, used: new Set() },
    reducing: false,
    depth: 0,
    nesting: 0,
    nextOrder: 0,
    memo: new Map(),
    domains: new Map(),
    origins: new Map(),
    budget: BUDGET,
  };
  const body = expand(
    context,
    instance,
    views.map((view): Lowered => {
      const node = memory?.embeddings ?? view;
      return { node, axes: [slot(1, node.shape[0]!), slot(0, view.shape[1]!)] };
    }),
  );
  const { miner } = inputs;
  if (miner !== undefined && !context.mined) throw new MinerError(miner.span, miner.declaration.name.text);
  if (body.axes.length > 0)
    throw new LoweringError(instance.declaration.body.span, "a loss that is not one number");
  const present: Lowered = body.present === undefined ? body : masked(context, body, body.present);
  const valid = disjunction(context, context.outermost.length === 0 ? [undefined] : context.outermost);
  const { parameters, noise, origins, reductions } = context;
  const plain = context.sharing ? lossShares(context, instance, body, valid) : undefined;
  const weighed =
    plain === undefined || inputs.classWeights === undefined
      ? undefined
      : byClass(context, plain, inputs.classWeights);
  const shares = inputs.shares === true ? { shares: (weighed?.shares ?? plain)! } : {};
  // A memory that no index runs over is not kept.
  const states = memory?.reached === true ? [...context.states, ...memory.states] : context.states;
  const reach =
    memory === undefined ? {} : { memory: { reached: memory.reached, withheld: memory.withheld } };
  const labels = [...context.labels.used].sort();
  const rest = { ...shares, ...reach, parameters, states, noise, origins, reductions, labels };
  const found = memory?.found ?? NONE;
  if (weighed !== undefined) {
    const always = build.graph.constant(1, "bool");
    const { value, weights } = weighed;
    return {
      lowered: { value, valid: valid?.node ?? always, ...rest, classWeights: weights },
      found,
    };
  }
  if (valid === undefined) {
    const always = build.graph.constant(1, "bool");
    return { lowered: { value: build.asReal(present.node), valid: always, ...rest }, found };
  }
  // Without a valid tuple the loss is 0, whatever the formula adds to its reductions.
  const value = vanishesOverNothing(present.node) ? present : masked(context, present, valid);
  return { lowered: { value: build.asReal(value.node), valid: valid.node, ...rest }, found };
}

/** Of a loss and the miner it is trained on. */
function namesOfDraws(instance: LossInstance, miner: MinerInstance | undefined): Map<Reduction, string> {
  const names = new Map<Reduction, string>();
  nameDraws(names, instance.declaration, "");
  if (miner !== undefined) nameDraws(names, miner.declaration, MINER_DRAWS);
  return names;
}

/** The nodes that a lowered loss is made of, for passes over the graph. */
export function rootsOf({ value, valid, shares, states }: LoweredLoss): Node[] {
  const parts = shares === undefined ? [] : [shares.perSample, shares.constant];
  return [value, valid, ...parts, ...states.map((state) => state.next)];
}

/** The loss with other nodes in place of `rootsOf` it, in the same order. */
export function withRoots(lowered: LoweredLoss, roots: readonly Node[]): LoweredLoss {
  const rest = [...roots];
  const next = (): Node => rest.shift()!;
  const [value, valid] = [next(), next()];
  const shares = lowered.shares === undefined ? {} : { shares: { perSample: next(), constant: next() } };
  const states = lowered.states.map((state) => ({ ...state, next: next() }));
  return { ...lowered, value, valid, ...shares, states };
}

/** The shares times the weights of the samples' classes, and the loss that they make. */
function byClass(
  context: Context,
  { perSample, constant }: LossShares,
  kind: ClassWeights,
): { readonly value: Node; readonly shares: LossShares; readonly weights: LossClassWeights } {
  const { build } = context;
  const label = ownLabel(context);
  const name = ["class_weights", kind, ...(label === undefined ? [] : [label])].join("/");
  const ofClasses = build.state(name, [classesOf(label)]);
  const each = build.binary("mul", build.gather(ofClasses, build.labels(label)), perSample);
  const mean = build.reduce("mean", each, undefined, [0]);
  const value = constantOf(constant) === 0 ? mean : build.binary("add", mean, constant);
  return { value, shares: { perSample: each, constant }, weights: { name, kind, label } };
}

/** Both parts are 0 where the loss is absent, or the batch held no valid tuple. */
function lossShares(
  context: Context,
  instance: LossInstance,
  body: Lowered,
  valid: Lowered | undefined,
): LossShares {
  const { build } = context;
  const { declaration } = instance;
  const found = sharesOf(context, body);
  if (found === undefined) throw new GranularityError(declaration.body.span, declaration.name.text);
  const { perSample, constant = scalar(build.constant(0)) } = mappedShares(found, (part) =>
    [body.present, valid].reduce<Lowered>(
      (kept, condition) => (condition === undefined ? kept : masked(context, kept, condition)),
      part,
    ),
  );
  const samples: Lowered = { node: build.iota(0, "batch"), axes: [SAMPLE] };
  const zeros = combine(context, "mul", scalar(build.constant(0)), samples);
  const each = perSample.axes.length === 0 ? combine(context, "add", zeros, perSample) : perSample;
  return { perSample: build.asReal(each.node), constant: build.asReal(constant.node) };
}

/** The formula of a loss on given embeddings. Each statement sees what stands above it, and nothing below. */
function expand(context: Context, instance: LossInstance, views: readonly Lowered[]): Lowered {
  const { declaration } = instance;
  nameDraws(context.drawNames, declaration, `${declaration.name.text}/`);
  let environment = new Environment(instance.scope);
  bindGlobals(context, environment, views[0]!.axes.at(-1)!.size);
  const names = declaration.views?.map((view) => view.text) ?? ["x"];
  names.forEach((name, k) => {
    const view = views[k];
    if (view === undefined) throw new LoweringError(instance.span, "a loss of more views than it was given");
    environment.bind(name, { kind: "value", value: view });
  });
  for (const [name, value] of instance.parameters) environment.bind(name, { kind: "constant", value });
  for (const statement of declaration.statements) {
    const above = environment;
    environment = new Environment(instance.scope, above);
    switch (statement.kind) {
      case "Let":
        environment.bind(statement.name.text, {
          kind: "let",
          declaration: statement,
          environment: above,
          reducing: context.reducing,
        });
        break;
      case "Param": {
        const value = lowerParam(context, statement, above, instance);
        environment.bind(statement.name.text, { kind: "value", value });
        break;
      }
      case "State":
        lowerState(context, statement, environment, instance);
        break;
      case "Assignment":
        throw new LoweringError(statement.span, "an assignment outside a miner");
    }
  }
  return context.lower(context, declaration.body, environment);
}

/** What every formula may name: the labels and the sizes. */
function bindGlobals(context: Context, environment: Environment, width: Dim): void {
  const { build } = context;
  const label = ownLabel(context);
  const globals: Readonly<Record<string, Lowered>> = {
    y: labelsOf(context, label),
    batch: scalar(build.size("batch")),
    classes: classCount(context, label),
    dim: scalar(build.size(width)),
  };
  for (const [name, value] of Object.entries(globals)) environment.bind(name, { kind: "value", value });
}

/** Whether a value is 0 with zero gradient when none of the reductions in it has a tuple: sums of hinges, mostly. */
function vanishesOverNothing(node: Node): boolean {
  const { operation, inputs } = node;
  const [first, second] = inputs as [Node, Node];
  switch (operation.kind) {
    case "constant":
      return operation.value === 0;
    case "reduce":
      return inputs.length === 2 && ["sum", "mean", "mean_active"].includes(operation.op);
    case "add":
    case "sub":
      return vanishesOverNothing(first) && vanishesOverNothing(second);
    case "neg":
    case "div":
      return vanishesOverNothing(first);
    case "mul":
      return (
        (vanishesOverNothing(first) && constantOf(second) !== undefined) ||
        (vanishesOverNothing(second) && constantOf(first) !== undefined)
      );
    default:
      return false;
  }
}
