/**
 * What names mean while a loss is lowered, and what lowering collects on its way. `let` functions are hygienic: they
 * see the loss's parameters, its `param`s, earlier `let`s and the globals, never the indices of their caller.
 */
import type { ClassWeights } from "../../plan/plan.ts";
import type { LossInstance, MinerInstance, Value } from "../../resolve/values.ts";
import type { Scope } from "../../resolve/scope.ts";
import type { Expression, Let, Reduction } from "../../syntax/ast.ts";
import type { Span } from "../../source/source.ts";
import type { Axis, Lowered } from "../axes.ts";
import type { Builder } from "../build.ts";
import type { Dim, Node } from "../graph.ts";
import type { Remembering } from "./memory.ts";

/** Nesting of a formula once its definitions are expanded; far below what the stack holds. */
export const NESTING = 500;

export type Binding =
  | { readonly kind: "value"; readonly value: Lowered }
  | { readonly kind: "index"; readonly axis: Axis }
  | {
      readonly kind: "let";
      readonly declaration: Let;
      readonly environment: Environment;
      /** Whether it stands in a reduction: one without parameters is computed where it stands. */
      readonly reducing: boolean;
    }
  | { readonly kind: "constant"; readonly value: Value };

/** A chain of bindings, innermost first. */
export class Environment {
  private readonly own = new Map<string, Binding>();
  readonly parent: Environment | undefined;
  /** Where measures, losses and functions that are not bound here resolve. */
  readonly scope: Scope;

  constructor(scope: Scope, parent?: Environment) {
    this.scope = scope;
    this.parent = parent;
  }

  bind(name: string, binding: Binding): void {
    this.own.set(name, binding);
  }

  /** The indices that can be named here, the outermost first; a name that is hidden stands for what hides it. */
  indices(): Axis[] {
    const seen = new Map<string, Binding>();
    const collect = (at: Environment): void => {
      if (at.parent !== undefined) collect(at.parent);
      for (const [name, binding] of at.own) seen.set(name, binding);
    };
    collect(this);
    return [...seen.values()].flatMap((binding) => (binding.kind === "index" ? [binding.axis] : []));
  }

  lookup(name: string): Binding | undefined {
    for (let at: Environment | undefined = this; at !== undefined; at = at.parent) {
      const found = at.own.get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** What is known here before any batch, by name: the parameters of the loss, measure or miner. */
  constants(): Map<string, Value> {
    const seen = new Set<string>();
    const constants = new Map<string, Value>();
    for (let at: Environment | undefined = this; at !== undefined; at = at.parent)
      for (const [name, binding] of at.own) {
        if (binding.kind === "constant" && !seen.has(name)) constants.set(name, binding.value);
        seen.add(name);
      }
    return constants;
  }
}

/** What a `let` or measure came to, and the outermost reductions in it. */
export interface Expanded {
  readonly value: Lowered;
  readonly outermost: readonly (Lowered | undefined)[];
}

/** `normal(std: 0.1)`, its arguments by name. */
export interface LossInitializer {
  readonly name: string;
  readonly values: ReadonlyMap<string, Value>;
}

/** A `param` of a loss, with everything the emitted program needs to declare it. */
export interface LossParameter {
  /** `losses/arc/w` */
  readonly name: string;
  readonly shape: readonly Dim[];
  readonly initializer: LossInitializer;
  readonly lr?: number;
  readonly train: boolean;
}

/** The weights of the classes that the shares of a loss's samples are multiplied by. */
export interface LossClassWeights {
  /** `class_weights/balanced/coarse` */
  readonly name: string;
  readonly kind: ClassWeights;
  /** The further label whose classes are weighed; the class itself where absent. */
  readonly label?: string | undefined;
}

/** A reduction inside no other: what it ranges over, first index first, and what it came to. */
export interface OutermostReduction {
  readonly expression: Reduction;
  readonly over: readonly Dim[];
  readonly node: Node;
}

/** A `state` of a loss. */
export interface LossState {
  /** `losses/pull/m` */
  readonly name: string;
  readonly shape: readonly Dim[];
  /** Of every element, or what fills it. */
  readonly initial: number | LossInitializer;
  /** Its value after the step: broadcast to its shape. */
  readonly next: Node;
  /** Of a memory: it is not saved with the weights. */
  readonly transient?: boolean;
}

/** What the labels of the data set are to a loss. */
export interface LossLabels {
  /** The name of the label that is the class, where the data set gives it one. */
  readonly main?: string | undefined;
  /** `LOSS by LABEL`: the further label that stands in the place of the class; the class itself where absent. */
  readonly by?: string | undefined;
  /** The further labels that the formula has named so far. */
  readonly used: Set<string>;
}

/** The random numbers of a `sample`. */
export interface LossNoise {
  /** `losses/rank/miner/sample` */
  readonly name: string;
  readonly shape: readonly Dim[];
}

/** What one loss's lowering works with and collects. */
export interface Context {
  readonly build: Builder;
  /** Lowers any expression; here so that the forms need not import each other in a circle. */
  readonly lower: (context: Context, expression: Expression, environment: Environment) => Lowered;
  /** Lowers the formula of a loss on given embeddings, one for each of its views. */
  readonly expand: (context: Context, instance: LossInstance, views: readonly Lowered[]) => Lowered;
  /** `losses/arc`: the prefix of its parameters' names. */
  readonly path: string;
  readonly parameters: LossParameter[];
  readonly states: LossState[];
  readonly noise: LossNoise[];
  /** The name of each draw as it is written. */
  readonly drawNames: Map<Reduction, string>;
  /** For each outermost reduction, where it had a tuple (a scalar bool); `undefined` for one that always has. */
  readonly outermost: (Lowered | undefined)[];
  /** The miner that restricts tuples; absent while its own body is lowered. */
  miner: MinerInstance | undefined;
  /** Whether the miner has restricted something. */
  mined: boolean;
  /** What the miner's body sees, by the embeddings it is on. */
  readonly minerBodies: Map<string, Environment>;
  /** The outermost reductions in the order of the formula. */
  readonly reductions: OutermostReduction[];
  /** Whether the place being lowered stands in a guard. */
  guarding: boolean;
  /** Whether the shares of the samples are asked for. */
  readonly sharing: boolean;
  /** `LOSS against MEMORY`. */
  readonly memory: Remembering | undefined;
  /** The labels of the data set as this loss names them. */
  readonly labels: LossLabels;
  /** Whether the place being lowered stands in a reduction with an index of its own. */
  reducing: boolean;
  /** How deep in the expanded formula the place being lowered stands. */
  nesting: number;
  /** How many reductions enclose the place being lowered. */
  depth: number;
  /** Rank of the next index to be bound. */
  nextOrder: number;
  /** Lowered `let`s and measures by definition and arguments: doubling expansions stay linear. */
  readonly memo: Map<object, Map<string, Expanded>>;
  /** Domains found in bodies of `let`s, by declaration, parameter and arguments. */
  readonly domains: Map<object, Map<string, Dim | undefined>>;
  /** The expressions that came to each node, innermost first: for messages. */
  readonly origins: Map<Node, Span[]>;
  /** Bound on work, counted down at each expression. */
  budget: number;
}

/** Something the language allows that the compiler cannot turn into tensors; carries its place. */
export class LoweringError extends Error {
  readonly span: Span;
  /** What it is, for "… is not built yet"; absent when the expression is simply wrong. */
  readonly feature: string;

  constructor(span: Span, feature: string) {
    super(feature);
    this.name = "LoweringError";
    this.span = span;
    this.feature = feature;
  }
}

/** A miner on a loss that has no tuples it could choose among; carries the place of the miner's use. */
export class MinerError extends LoweringError {
  constructor(span: Span, miner: string) {
    super(span, `\`${miner}\` on a loss that has no tuples it could choose among`);
    this.name = "MinerError";
  }
}

/** `same`, `differs` or `y` asked of rows that are no samples: a loss on the class vectors of another. */
export class SamplesError extends LoweringError {
  /** "`same`", "`y`" */
  readonly what: string;

  constructor(span: Span, what: string) {
    super(span, `${what} of rows that are no samples`);
    this.name = "SamplesError";
    this.what = what;
  }
}

/** Shares of the samples asked of a loss that has none: it is per class, or of the whole batch. */
export class GranularityError extends LoweringError {
  constructor(span: Span, loss: string) {
    super(span, `a share of each sample in \`${loss}\`, which is not a mean over samples,`);
    this.name = "GranularityError";
  }
}
