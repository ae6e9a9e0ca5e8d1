/**
 * The labels of samples while a loss is expanded: the class, and what samples are by the further labels of the data set
 * that `on: LABEL` and `LOSS by LABEL` name. Called by `calls.ts` and `loss.ts`. Pure.
 */
import type { Call, Expression } from "../../syntax/ast.ts";
import { InterpretError } from "../errors.ts";
import type { Graph } from "../graph.ts";
import type { Input } from "../nodes.ts";
import type { Frame } from "./environment.ts";

/** A label of the batch: the number of each sample's class, and how many classes there are. */
export interface LabelInput {
  readonly input: Input;
  readonly classes: number;
}

export class Labels {
  /** What stands in the place of the class: `y`, `classes`, and `same` without `on`. */
  readonly own: LabelInput;
  private readonly further: ReadonlyMap<string, LabelInput>;

  /** `sizes`: the classes of each further label. Throws `InterpretError` where `by` is none of them. */
  constructor(
    graph: Graph,
    samples: number,
    classes: number,
    sizes: Readonly<Record<string, number>>,
    by: string | undefined,
  ) {
    const main = { input: graph.input("labels", "y", [samples]), classes };
    this.further = new Map(
      Object.entries(sizes).map(([name, count]) => [
        name,
        { input: graph.input("labels", name, [samples]), classes: count },
      ]),
    );
    this.own = by === undefined ? main : this.named(by);
    this.main = main.input;
  }

  /** The class. */
  readonly main: Input;

  named(name: string, place?: Expression): LabelInput {
    const found = this.further.get(name);
    if (found === undefined) throw new InterpretError(`the batch has no label ${name}`, place?.span);
    return found;
  }

  /** A call's arguments but `on: LABEL`, and the label it is on: that of the loss where it says none. */
  of(call: Call, frame: Frame): { readonly rest: Call; readonly label: LabelInput } {
    const on = call.arguments.find(({ name }) => name?.text === "on");
    if (on === undefined) return { rest: call, label: this.own };
    const rest = { ...call, arguments: call.arguments.filter((argument) => argument !== on) };
    if (on.value.kind !== "Name") throw new InterpretError("a label is a name", on.span);
    const meaning = frame.find(on.value.text);
    const name = meaning?.kind === "label" ? meaning.name : on.value.text;
    return { rest, label: this.named(name, on.value) };
  }

  /** Each further label by name, and its input. */
  get inputs(): readonly (readonly [name: string, input: Input])[] {
    return [...this.further].map(([name, { input }]) => [name, input]);
  }
}
