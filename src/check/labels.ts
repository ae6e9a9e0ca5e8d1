/**
 * The labels of a data set: which it has, and that losses speak of no other. Called for data sets and for the losses of a
 * model. Pure.
 */
import { malformedSetting } from "../diagnostics/codes/check.ts";
import { unknownLabel } from "../diagnostics/codes/laws.ts";
import { closest } from "../diagnostics/did_you_mean.ts";
import type { DataPlan, PrimitiveUse } from "../plan/plan.ts";
import type { LossInstance, MinerInstance, Values } from "../resolve/values.ts";
import type { Span } from "../source/source.ts";
import type { Declaration, Expression } from "../syntax/ast.ts";
import { walk } from "../syntax/traverse.ts";
import type { CheckContext } from "./context.ts";
import type { CheckedLoss } from "./losses.ts";

/** The names of a data set's labels, the class last: those of its source, or those that `labels` gives. */
export function labelsOf(
  setting: Expression | undefined,
  source: PrimitiveUse,
  { scope, diagnostics }: CheckContext,
): readonly string[] | undefined {
  const own = ownLabels(source.name, scope);
  if (setting === undefined || setting.kind === "Missing") return own;
  const report = (
    what: string,
    needed: string,
    span: Span,
    example = "labels: [coarse, fine]",
  ): undefined => {
    diagnostics.report(malformedSetting, span, { what, needed, example });
  };
  if (own.length > 0)
    return report(
      `A data set of \`${source.name}\``,
      `no \`labels\`, since its source names them: ${own.map((name) => `\`${name}\``).join(", ")}`,
      setting.span,
      // Without the setting; this is how a model uses what the source names.
      `triplet() by ${own[0]!}`,
    );
  const items = setting.kind === "List" ? setting.items : [];
  const names = items.flatMap((item) => (item.kind === "Name" ? [item.text] : []));
  const twice = items.find((item, at) => item.kind === "Name" && names.indexOf(item.text) < at);
  if (twice !== undefined) return report("`labels`", "names that differ", twice.span);
  if (items.length > 0 && names.length === items.length) return names;
  return report("`labels`", "a list of names, the class last", setting.span);
}

/** The labels that a source has whatever the data set says, from its signature. */
function ownLabels(source: string, scope: CheckContext["scope"]): readonly string[] {
  const result = scope.lookup("source", source)?.declaration.result;
  return result?.words.map((word) => word.text) ?? [];
}

/** A label that a formula names, and where it does. */
interface NamedLabel {
  readonly name: string;
  readonly span: Span;
}

/** The labels after `on:` in a declaration whose parameters have these values. */
function namedIn(declaration: Declaration, parameters: Values, use: Span): NamedLabel[] {
  const found: NamedLabel[] = [];
  walk(declaration, {
    enter: (node) => {
      if (node.kind !== "Argument" || node.name?.text !== "on" || node.value.kind !== "Name") return;
      const passed = parameters.get(node.value.text);
      found.push(
        passed?.kind === "label"
          ? { name: passed.name, span: use }
          : { name: node.value.text, span: node.value.span },
      );
    },
  });
  return found;
}

/** Every label that a loss, the losses among its arguments or its miner name. */
function namedBy(instance: LossInstance | MinerInstance): NamedLabel[] {
  const inner = [...instance.parameters.values()].flatMap((value) =>
    value.kind === "loss" || value.kind === "miner" ? namedBy(value) : [],
  );
  return [...namedIn(instance.declaration, instance.parameters, instance.span), ...inner];
}

/** Reports labels that the data set of a model does not have, each once. */
export function checkLabels(
  { instance, miner, entry }: CheckedLoss,
  data: DataPlan | undefined,
  { scope, diagnostics }: CheckContext,
): void {
  if (data === undefined) return;
  const by = entry.label?.kind === "Name" ? [{ name: entry.label.text, span: entry.label.span }] : [];
  const named = [instance, miner].flatMap((use) => (use === undefined ? [] : namedBy(use)));
  const reported = new Set<string>();
  for (const { name, span } of [...by, ...named]) {
    if (data.labels.includes(name) || reported.has(name)) continue;
    reported.add(name);
    const suggestion = closest(name, data.labels);
    const fixed = ownLabels(data.source.name, scope).length > 0;
    const inside =
      span.file === entry.span.file && span.start >= entry.span.start && span.end <= entry.span.end;
    diagnostics.report(
      unknownLabel,
      span,
      {
        name,
        data: data.name,
        known: data.labels,
        fixed,
        ...(suggestion === undefined ? {} : { suggestion }),
      },
      inside ? {} : { related: [{ span: entry.span, label: "the loss is used here" }] },
    );
  }
}
