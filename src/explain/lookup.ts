/** Finds what a word of the standard library means, under every kind that has it. Used by `dmlc explain`. Pure. */
import type { NameKind, Scope } from "../resolve/scope.ts";
import { explainDeclaration } from "./declaration.ts";
import type { ExplainedDeclaration } from "./declaration.ts";

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
  "metric",
  "compression",
  "initializer",
  "function",
];

/** Everything of that name, by kind; empty where there is nothing. */
export function explainName(name: string, scope: Scope): ExplainedDeclaration[] {
  return kinds.flatMap((kind) => {
    const found = scope.lookup(kind, name);
    return found === undefined ? [] : [explainDeclaration(found.declaration)];
  });
}

/** All names that can be explained, sorted, each once. */
export function explainableNames(scope: Scope): string[] {
  return [...new Set(kinds.flatMap((kind) => scope.names(kind)))].sort();
}
