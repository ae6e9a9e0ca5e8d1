/**
 * Names inside a formula and what is known while one is checked. An environment never changes: a `let` sees exactly
 * what stood before it. Used by the files of this folder only.
 */
import type { Diagnostics, RelatedPlace } from "../../diagnostics/diagnostic.ts";
import type { Scope } from "../../resolve/scope.ts";
import type { Values } from "../../resolve/values.ts";
import type { Span } from "../../source/source.ts";
import type { Expression, Let } from "../../syntax/ast.ts";
import type { Axes, Axis } from "../../types/axis.ts";
import type { FormulaType } from "../../types/formula_type.ts";

/** Something with a type: a view, a parameter, an index, a `let`'s own parameter. */
export interface ValueBinding {
  readonly kind: "value";
  readonly type: FormulaType;
  /** For messages: "a parameter", "the embeddings". */
  readonly what: string;
  /** What `in NAME` means, for whole numbers and lists. */
  readonly domain?: Axis;
  /** Whether it has one value for a whole training run, so that a domain may depend on it. */
  readonly constant: boolean;
}

export interface LetBinding {
  readonly kind: "let";
  readonly declaration: Let;
  /** What stood before it. */
  readonly environment: Environment;
  /** Types of its body, by the types of its arguments. */
  readonly known: Map<string, FormulaType>;
}

export type Binding = ValueBinding | LetBinding;

export class Environment {
  private readonly own: ReadonlyMap<string, Binding>;
  private readonly parent: Environment | undefined;

  constructor(own: ReadonlyMap<string, Binding> = new Map(), parent?: Environment) {
    this.own = own;
    this.parent = parent;
  }

  lookup(name: string): Binding | undefined {
    for (let at: Environment | undefined = this; at !== undefined; at = at.parent) {
      const found = at.own.get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  with(bindings: Iterable<readonly [string, Binding]>): Environment {
    return new Environment(new Map(bindings), this);
  }

  get names(): string[] {
    const found = new Set<string>();
    for (let at: Environment | undefined = this; at !== undefined; at = at.parent)
      for (const name of at.own.keys()) found.add(name);
    return [...found];
  }
}

/** One declaration being checked. */
export interface FormulaContext {
  readonly scope: Scope;
  readonly diagnostics: Diagnostics;
  readonly axes: Axes;
  /** Parameters with a known value (their defaults), for arguments that must be constant. */
  readonly constants: Values;
  readonly used: Set<Binding>;
  /** Names that were reported as unknown: once is enough. */
  readonly unknownNames: Set<string>;
  /** Indices of reductions that have ended, with the word of their reduction: not to be used after them. */
  readonly endedIndices: Map<string, string>;
  /** Indices whose domain must have been found when the declaration ends. */
  readonly openIndices: { readonly axis: Axis; readonly name: string; readonly span: Span }[];
  /** Axes of indices into something that is wrong itself: nothing can be said of what they run over. */
  readonly excused: Axis[];
  /** Indices used as numbers; what they run over must turn out to be numbers. */
  readonly asNumbers: { readonly axis: Axis; readonly span: Span; readonly where: string }[];
  /** The calls of `let` functions being expanded, outermost first. */
  readonly calls: RelatedPlace[];
  /** Whether nothing may be drawn: in a distance or similarity. */
  readonly drawless: boolean;
  /** While a `let` that nothing calls is checked: the types of its parameters are not known. */
  generic: boolean;
  steps: number;
  depth: number;
  exhausted: boolean;
  /** The type of an expression. Held here so that the files of this folder import one way. */
  readonly infer: (context: FormulaContext, expression: Expression, environment: Environment) => FormulaType;
}

/** Related places that say through which calls of `let` functions a problem came about. */
export function callPlaces(context: FormulaContext): { related: readonly RelatedPlace[] } {
  return { related: context.calls.slice(-1) };
}

/** A number that says which axis this is, for keys. */
export function axisNumbers(): (axis: Axis) => number {
  const numbers = new WeakMap<Axis, number>();
  let next = 0;
  return (axis) => {
    let number = numbers.get(axis);
    if (number === undefined) numbers.set(axis, (number = next++));
    return number;
  };
}
