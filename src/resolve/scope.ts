/**
 * Which declaration a name means. A name resolves by the kind its place expects, so a schedule and a similarity may
 * share one. The file's own declarations come first, then its imports, then the standard library. Pure.
 */
import type { Declaration, PrimitiveKind } from "../syntax/ast.ts";

/** What a place can expect. A distance and a similarity are both measures; their polarity is checked, not looked up. */
export type NameKind = "dataset" | "model" | "loss" | "measure" | "miner" | "backbone" | PrimitiveKind;

export function nameKindOf(declaration: Declaration): NameKind {
  switch (declaration.kind) {
    case "Dataset":
      return "dataset";
    case "Model":
      return "model";
    case "Loss":
      return "loss";
    case "Measure":
      return "measure";
    case "Miner":
      return "miner";
    case "Backbone":
      return "backbone";
    case "Primitive":
      return declaration.role;
  }
}

export type DeclarationOf<Kind extends NameKind> = Kind extends "dataset"
  ? Extract<Declaration, { kind: "Dataset" }>
  : Kind extends "model"
    ? Extract<Declaration, { kind: "Model" }>
    : Kind extends "loss"
      ? Extract<Declaration, { kind: "Loss" }>
      : Kind extends "measure"
        ? Extract<Declaration, { kind: "Measure" }>
        : Kind extends "miner"
          ? Extract<Declaration, { kind: "Miner" }>
          : Kind extends "backbone"
            ? Extract<Declaration, { kind: "Backbone" }>
            : Extract<Declaration, { kind: "Primitive" }>;

/** A declaration and the scope in which the names of its body resolve. */
export interface Resolved<Kind extends NameKind> {
  readonly declaration: DeclarationOf<Kind>;
  readonly scope: Scope;
}

export class Scope {
  private readonly own = new Map<NameKind, Map<string, { declaration: Declaration; scope: Scope }>>();
  private readonly parent: Scope | undefined;

  constructor(parent?: Scope) {
    this.parent = parent;
  }

  /** Adds a declaration; returns the one of that kind and name that was here already (and stays), if any. */
  add(declaration: Declaration, scope: Scope = this): Declaration | undefined {
    const kind = nameKindOf(declaration);
    let names = this.own.get(kind);
    if (names === undefined) this.own.set(kind, (names = new Map()));
    const before = names.get(declaration.name.text);
    if (before !== undefined) return before.declaration;
    names.set(declaration.name.text, { declaration, scope });
    return undefined;
  }

  lookup<Kind extends NameKind>(kind: Kind, name: string): Resolved<Kind> | undefined {
    const found = this.own.get(kind)?.get(name) ?? this.parent?.lookup(kind, name);
    return found as Resolved<Kind> | undefined;
  }

  /** All names of a kind that can be seen from here, sorted. */
  names(kind: NameKind): string[] {
    const found = new Set<string>(this.parent?.names(kind) ?? []);
    for (const name of this.own.get(kind)?.keys() ?? []) found.add(name);
    return [...found].sort();
  }

  /** The kinds under which a name can be seen from here. */
  kindsOf(name: string): NameKind[] {
    const found = new Set<NameKind>(this.parent?.kindsOf(name) ?? []);
    for (const [kind, names] of this.own) if (names.has(name)) found.add(kind);
    return [...found].sort();
  }
}
