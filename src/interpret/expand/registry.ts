/**
 * The parameters and states that a loss declares, and those of the losses it uses: name, shape, and how each starts.
 * A loss used inside another has its own, one set for each use, numbered in order of use: `w`, `w_2`, `w_3`. Filled by `loss.ts`, read by
 * `interpret.ts` and `initial.ts`. Data only.
 */
import type { Span } from "../../source/source.ts";
import type { Input, Node, Variable } from "../nodes.ts";
import type { Operand } from "./tensor.ts";

export interface ParameterInfo {
  readonly input: Input;
  readonly initializer: InitializerUse;
}

/** `constant(beta)`: the initialiser's name and its arguments, which are numbers. */
export interface InitializerUse {
  readonly name: string;
  readonly arguments: readonly { readonly name?: string; readonly value: number }[];
  readonly span: Span;
}

export interface StateInfo {
  readonly input: Input;
  /** The first value of every element, or what fills it. */
  readonly initial: Node | InitializerUse;
  /** The indices of a table that is written entry by entry. */
  readonly over: readonly Variable[];
  /** The value after the step: a number, of a table at these indices, or a tensor of the state's shape. */
  readonly next: Operand;
}

/** A `sample`, and the indices around each of its expansions. */
export interface DrawInfo {
  /** Its random numbers; the shape is settled when every index has its domain. */
  readonly input: Input;
  readonly uses: (readonly Variable[])[];
  readonly span: Span;
}

export class Registry {
  readonly parameters: ParameterInfo[] = [];
  readonly states: StateInfo[] = [];
  readonly draws: DrawInfo[] = [];

  /** The name itself, or with the first number that makes it new. */
  unique(wanted: string): string {
    const taken = new Set([...this.parameters, ...this.states].map(({ input }) => input.name));
    let name = wanted;
    for (let k = 2; taken.has(name); k++) name = `${wanted}_${k}`;
    return name;
  }
}
