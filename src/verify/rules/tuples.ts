/** The law that a miner and its loss speak of the same tuples, as lowering finds it. Pure. */
import { tupleMismatch } from "../../diagnostics/codes/laws.ts";
import type { Diagnostics } from "../../diagnostics/diagnostic.ts";
import type { LossPlan } from "../../plan/plan.ts";

export function reportTupleMismatch(
  { instance, miner }: Pick<LossPlan, "instance" | "miner">,
  diagnostics: Diagnostics,
): void {
  if (miner === undefined) return;
  const { tuple, name } = miner.declaration;
  diagnostics.report(
    tupleMismatch,
    miner.span,
    {
      miner: name.text,
      loss: instance.declaration.name.text,
      tuple: tuple.map((index) => index.text),
    },
    {
      related: [
        { span: name.span, label: `chooses (${tuple.map((index) => index.text).join(", ")})` },
        { span: instance.declaration.body.span, label: "the formula of the loss" },
      ],
    },
  );
}
