/**
 * What names mean inside a loss: bound indices, `let`s, parameters, measures, inner losses, and the globals. One frame
 * for each scope; a macro's body sees the frame it was declared in, which is what makes macros hygienic. Pure.
 */
import type { Scope } from "../../resolve/scope.ts";
import type { LossInstance, MeasureValue, Value } from "../../resolve/values.ts";
import type { Let } from "../../syntax/ast.ts";
import type { Graph } from "../graph.ts";
import type { Node } from "../nodes.ts";
import { isTensor, key } from "./tensor.ts";
import type { Operand } from "./tensor.ts";

export type Meaning =
  | { readonly kind: "operand"; readonly operand: Operand }
  | { readonly kind: "list"; readonly values: readonly number[] }
  | { readonly kind: "let"; readonly id: number; readonly let: Let; readonly frame: Frame }
  | { readonly kind: "label"; readonly name: string }
  | { readonly kind: "measure"; readonly measure: MeasureValue }
  | { readonly kind: "loss"; readonly loss: LossInstance };

export class Frame {
  /** Where names that no frame knows are looked up: the file that the loss or measure was declared in. */
  readonly scope: Scope;
  private readonly parent: Frame | undefined;
  private readonly names = new Map<string, Meaning>();

  constructor(scope: Scope, parent?: Frame) {
    this.scope = scope;
    this.parent = parent;
  }

  child(): Frame {
    return new Frame(this.scope, this);
  }

  /** The frame of the loss, measure or miner that this one is in. */
  get root(): Frame {
    let frame: Frame = this;
    while (frame.parent !== undefined) frame = frame.parent;
    return frame;
  }

  /** What domains in here may depend on: the numbers and tensors that are bound between this frame and its root. */
  get surroundings(): string {
    const found: string[] = [];
    for (let frame: Frame | undefined = this; frame !== undefined; frame = frame.parent)
      for (const [name, meaning] of frame.names) {
        if (meaning.kind !== "operand") continue;
        const { operand } = meaning;
        if (isTensor(operand) || operand.kind === "number") found.push(`${name}=${key(operand)}`);
      }
    return found.join();
  }

  set(name: string, meaning: Meaning): void {
    this.names.set(name, meaning);
  }

  bind(name: string, operand: Operand): void {
    this.names.set(name, { kind: "operand", operand });
  }

  /** The numbers and indices that can be named here, the outermost first; a name that is hidden stands for what hides it. */
  operands(): Node[] {
    const seen = new Map<string, Meaning>();
    const collect = (frame: Frame): void => {
      if (frame.parent !== undefined) collect(frame.parent);
      for (const [name, meaning] of frame.names) seen.set(name, meaning);
    };
    collect(this);
    return [...seen.values()].flatMap((meaning) =>
      meaning.kind === "operand" && !isTensor(meaning.operand) ? [meaning.operand] : [],
    );
  }

  find(name: string): Meaning | undefined {
    for (let at: Frame | undefined = this; at !== undefined; at = at.parent) {
      const found = at.names.get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** What a parameter's value means in a body; texts, words, sizes and miners mean nothing there. */
export function meaningOf(value: Value, graph: Graph): Meaning | undefined {
  switch (value.kind) {
    case "number":
      return { kind: "operand", operand: graph.number(value.value) };
    case "bool":
      return { kind: "operand", operand: graph.truth(value.value) };
    case "numbers":
      return { kind: "list", values: value.values };
    case "measure":
      return { kind: "measure", measure: value };
    case "loss":
      return { kind: "loss", loss: value };
    case "label":
      return { kind: "label", name: value.name };
    case "text":
    case "word":
    case "size":
    case "miner":
      return undefined;
  }
}
