/**
 * A model's `losses { … }`: each entry as a bound loss with its miner and its own head, where it has one. Also what a
 * loss asks of a batch. Pure.
 */
import { impossibleBatch, malformedSetting } from "../diagnostics/codes/check.ts";
import { memoryOutOfPlace } from "../diagnostics/codes/laws.ts";
import type { MemoryPlan } from "../plan/plan.ts";
import { instantiateLoss, instantiateMiner } from "../resolve/bind.ts";
import { oneLine, writeNumber } from "../resolve/describe.ts";
import type { LossInstance, MinerInstance } from "../resolve/values.ts";
import { textOf, type Span } from "../source/source.ts";
import type { Block, Entry, Expression } from "../syntax/ast.ts";
import { walk } from "../syntax/traverse.ts";
import type { CheckContext } from "./context.ts";
import { numberOf, primitiveUse } from "./primitive_use.ts";
import { checkLossBudgets } from "./rules/loss_budgets.ts";
import { uniqueEntries } from "./settings.ts";

/** One entry of `losses`. Parts that were wrong are absent and have been reported. */
export interface CheckedLoss {
  readonly name: string;
  readonly entry: Entry;
  readonly instance?: LossInstance;
  /** `by LABEL`. */
  readonly label?: string;
  readonly miner?: MinerInstance;
  readonly memory?: MemoryPlan;
  readonly head?: Expression;
  readonly text: string;
}

/** The entries of `losses`; `place` is marked when there is none. */
export function checkLosses(
  block: Block | undefined,
  place: Span | undefined,
  context: CheckContext,
): readonly CheckedLoss[] {
  if (block !== undefined && block.entries.length === 0)
    context.diagnostics.report(malformedSetting, place ?? block.span, {
      what: "`losses`",
      needed: "at least one loss",
      example: "losses { pull: contrastive(margin: 0.5) }",
    });
  return uniqueEntries(block, "losses", context.diagnostics).map((entry) => checkEntry(entry, context));
}

function checkEntry(entry: Entry, context: CheckContext): CheckedLoss {
  const { scope, diagnostics } = context;
  const name = entry.name.text;
  const text = oneLine(textOf(entry.span));
  const head = entry.head === undefined ? {} : { head: entry.head };
  if (entry.value === undefined || entry.block !== undefined) {
    diagnostics.report(malformedSetting, entry.span, {
      what: `The entry \`${name}\` of \`losses\``,
      needed: "a loss after a colon",
      example: `${name}: contrastive(margin: 0.5)`,
    });
    return { name, entry, text, ...head };
  }
  const instance = instantiateLoss(entry.value, scope, new Map(), diagnostics);
  if (instance !== undefined) checkUse(instance, entry.value.span, context);
  const miner =
    entry.miner === undefined ? undefined : instantiateMiner(entry.miner, scope, new Map(), diagnostics);
  const label = entry.label === undefined ? undefined : checkBy(entry.label, context);
  const memory =
    entry.memory === undefined || entry.memory.kind === "Missing"
      ? undefined
      : checkMemory(entry.memory, instance, context);
  return {
    name,
    entry,
    text,
    ...head,
    ...(instance === undefined ? {} : { instance }),
    ...(label === undefined ? {} : { label }),
    ...(miner === undefined ? {} : { miner }),
    ...(memory === undefined ? {} : { memory }),
  };
}

/** `by LABEL`: the name of a label. */
function checkBy(expression: Expression, { diagnostics }: CheckContext): string | undefined {
  if (expression.kind === "Name") return expression.text;
  if (expression.kind !== "Missing")
    diagnostics.report(malformedSetting, expression.span, {
      what: "`by`",
      needed: "the name of a label of the data set",
      example: "kind: arcface() by coarse",
    });
  return undefined;
}

/** `against memory(size)`: of a loss of one view. */
function checkMemory(
  expression: Expression,
  instance: LossInstance | undefined,
  context: CheckContext,
): MemoryPlan | undefined {
  const use = primitiveUse(expression, "memory", context);
  const size = use === undefined ? undefined : numberOf(use, "size");
  if (use === undefined || size === undefined || instance === undefined) return undefined;
  const { name, views } = instance.declaration;
  if ((views?.length ?? 1) > 1) {
    context.diagnostics.report(memoryOutOfPlace, use.span, { loss: name.text, views: true });
    return undefined;
  }
  return { size, span: use.span };
}

/** A loss and the losses among its arguments, `matryoshka(inner: triplet)`. */
function withInner(instance: LossInstance): readonly LossInstance[] {
  const inner = [...instance.parameters.values()].flatMap((value) =>
    value.kind === "loss" ? withInner(value) : [],
  );
  return [instance, ...inner];
}

function checkUse(instance: LossInstance, place: Span, context: CheckContext): void {
  for (const { declaration, parameters } of withInner(instance))
    checkLossBudgets(declaration, parameters, place, context);
}

/** Whether a loss's formula compares samples of one class, and of different classes; further labels aside. */
function comparisons(instance: LossInstance): { same: boolean; differs: boolean } {
  const calls = new Set<string>();
  for (const { declaration } of withInner(instance)) {
    const own = declaration.statements.map(({ name }) => name.text);
    walk(declaration, {
      enter: (node) => {
        if (node.kind !== "Call" || own.includes(node.callee.text)) return;
        if (!node.arguments.some(({ name }) => name?.text === "on")) calls.add(node.callee.text);
      },
    });
  }
  return { same: calls.has("same"), differs: calls.has("differs") };
}

/** Reports losses that no batch of P classes of M samples can serve, at the batch. */
export function checkBatchServes(
  losses: readonly CheckedLoss[],
  batch: { readonly classes: number; readonly samples: number },
  place: Span,
  context: CheckContext,
): void {
  const classes = { kind: "number", value: batch.classes, unit: "class" } as const;
  const samples = { kind: "number", value: batch.samples, unit: "sample" } as const;
  const text = `${writeNumber(classes)} * ${writeNumber(samples)}`;
  for (const { instance, name, entry, memory, label } of losses) {
    // A memory holds further samples of a class, and of other classes; by another label, classes are alike.
    if (instance === undefined || memory !== undefined || label !== undefined) continue;
    const needs = comparisons(instance);
    const word =
      needs.same && batch.samples < 2 ? "same" : needs.differs && batch.classes < 2 ? "differs" : undefined;
    if (word === undefined) continue;
    context.diagnostics.report(
      impossibleBatch,
      place,
      {
        batch: text,
        loss: name,
        word,
        help:
          word === "same"
            ? `Write at least \`${writeNumber(classes)} * 2 samples\`.`
            : `Write at least \`2 classes * ${writeNumber(samples)}\`.`,
      },
      { related: [{ span: entry.span, label: `\`${instance.declaration.name.text}\` compares pairs` }] },
    );
    return;
  }
}
