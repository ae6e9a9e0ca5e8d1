/** Finds the argument that a spec gives to a parameter, so that a message can point at it. Pure. */
import { Diagnostics } from "../../diagnostics/diagnostic.ts";
import { matchArguments } from "../../resolve/match.ts";
import { signatureOf } from "../../resolve/use.ts";
import type { LossInstance } from "../../resolve/values.ts";
import type { Expression, ModelDeclaration } from "../../syntax/ast.ts";
import { walk } from "../../syntax/traverse.ts";

/** The argument of `parameter` in the use that `instance` comes from; undefined where it has its default. */
export function argumentOf(
  model: ModelDeclaration,
  instance: LossInstance,
  parameter: string,
): { readonly value: Expression } | undefined {
  let found: Expression | undefined;
  walk(model, {
    enter: (node) => {
      if (node.kind !== "Call" || node.span !== instance.span) return;
      const match = matchArguments(signatureOf(instance), node, new Diagnostics());
      for (const [own, value] of match.given) if (own.name.text === parameter) found = value;
    },
  });
  return found === undefined ? undefined : { value: found };
}
