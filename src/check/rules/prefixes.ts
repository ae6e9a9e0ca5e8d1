/**
 * The law that a prefix of an embedding is no longer than the embedding: held for each loss of a model, where the head's
 * width is known. Pure.
 */
import { prefixTooLong } from "../../diagnostics/codes/laws.ts";
import { wrongArgumentType } from "../../diagnostics/codes/resolve.ts";
import { Diagnostics } from "../../diagnostics/diagnostic.ts";
import { describeValue } from "../../resolve/describe.ts";
import { evaluateConstant } from "../../resolve/evaluate.ts";
import type { LossInstance } from "../../resolve/values.ts";
import type { Expression, IndexBinding } from "../../syntax/ast.ts";
import { walk } from "../../syntax/traverse.ts";
import type { CheckContext } from "../context.ts";

/** Reports a loss that takes a longer prefix than its head's `dim`, at its use. */
export function checkPrefixes(
  instance: LossInstance,
  head: { readonly name: string; readonly dim: number },
  { diagnostics }: CheckContext,
): void {
  /** Indices of the reductions around the place at hand, innermost last. */
  const indices: IndexBinding[] = [];
  walk(instance.declaration, {
    enter: (node) => {
      if (node.kind === "Reduction") indices.push(...node.indices);
      if (node.kind !== "Call" || node.callee.text !== "prefix") return;
      const size = node.arguments[1]?.value;
      const longest = size === undefined ? undefined : largest(size, indices, instance);
      if (longest === undefined) return;
      const related = [{ span: node.span, label: "this prefix" }];
      if (!Number.isInteger(longest) || longest < 1) {
        const given = describeValue({ kind: "number", value: longest });
        const needed = "a whole number of at least 1";
        const target = `\`prefix\` in \`${instance.declaration.name.text}\``;
        diagnostics.report(wrongArgumentType, instance.span, { target, given, needed }, { related });
        return;
      }
      if (longest <= head.dim) return;
      diagnostics.report(
        prefixTooLong,
        instance.span,
        { loss: instance.declaration.name.text, longest, head: head.name, dim: head.dim },
        { related },
      );
    },
    leave: (node) => {
      if (node.kind === "Reduction") indices.splice(indices.length - node.indices.length);
    },
  });
}

/** The largest value that a size takes: a constant's own, an index's over a list of constants. */
function largest(
  size: Expression,
  indices: readonly IndexBinding[],
  instance: LossInstance,
): number | undefined {
  const index = size.kind === "Name" ? indices.findLast((each) => each.name.text === size.text) : undefined;
  const expression = index === undefined ? size : index.domain;
  if (expression === undefined) return undefined;
  const value = evaluateConstant(expression, instance.parameters, new Diagnostics());
  if (value?.kind === "numbers") return Math.max(...value.values);
  return value?.kind === "number" && index === undefined ? value.value : undefined;
}
