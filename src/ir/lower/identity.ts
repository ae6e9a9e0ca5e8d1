/** What two arguments must share to be the same: definitions are expanded once for equal arguments. Pure. */
import type { Lowered } from "../axes.ts";
import type { Binding } from "./environment.ts";

/** Equal for equal bindings; undefined for what is not compared. */
export function identityOf(binding: Binding): string | undefined {
  switch (binding.kind) {
    case "index":
      return `i${binding.axis.order}`;
    case "value":
      return `v${valueIdentity(binding.value)}`;
    case "constant":
      if (binding.value.kind === "label") return `l${binding.value.name}`;
      return binding.value.kind === "number" || binding.value.kind === "bool"
        ? `c${String(binding.value.value)}`
        : undefined;
    case "let":
      return undefined;
  }
}

function valueIdentity({ node, axes, present, nonEmpty }: Lowered): string {
  const conditions = [present, nonEmpty].map((condition) =>
    condition === undefined ? "" : `?${valueIdentity(condition)}`,
  );
  return `${node.id}:${axes.map((axis) => axis.order).join(",")}${conditions.join("/")}`;
}
