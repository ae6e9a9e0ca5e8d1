/** Finds what a word of the standard library means, under every kind that has it. Used by `dmlc explain`. Pure. */
import type { NameKind, Scope } from "../resolve/scope.ts";
import type { Declaration } from "../syntax/ast.ts";
import { explainDeclaration } from "./declaration.ts";
import type { ExplainedDeclaration } from "./declaration.ts";
import { factsOf } from "./facts.ts";
import type { Fact } from "./facts.ts";

/** With what the compiler finds out about it. */
export interface Explained extends ExplainedDeclaration {
  readonly facts: readonly Fact[];
}

/** In the order in which a reader looks for things. */
const kinds: readonly NameKind[] = [
  "loss",
  "miner",
  "measure",
  "strategy",
  "backbone",
  "layer",
  "source",
  "split",
  "image",
  "transform",
  "memory",
  "optimizer",
  "schedule",
  "selection",
  "precision",
  "class_weights",
  "metric",
  "compression",
  "initializer",
  "function",
  "reduction",
];

/** Everything of that name, by kind; empty where there is nothing. */
export function explainName(name: string, scope: Scope): Explained[] {
  return declarationsOf(name, scope).map(({ declaration, scope: own }) => explained(declaration, own));
}

/** The declarations of that name, by kind, each with the scope of its names. */
export function declarationsOf(
  name: string,
  scope: Scope,
): { readonly declaration: Declaration; readonly scope: Scope }[] {
  return kinds.flatMap((kind) => scope.lookup(kind, name) ?? []);
}

/** A declaration with what the compiler finds out about it; `scope`: that of its names. */
export function explained(declaration: Declaration, scope: Scope): Explained {
  return { ...explainDeclaration(declaration), facts: factsOf(declaration, scope) };
}

/** All names that can be explained, sorted, each once. */
export function explainableNames(scope: Scope): string[] {
  return [...new Set(kinds.flatMap((kind) => scope.names(kind)))].sort();
}
