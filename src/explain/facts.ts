/**
 * What the compiler finds out about a declaration of the library, as short texts: what a loss is a mean over, which values
 * it takes, on which embeddings, which batches it needs, what it costs. Read by `dmlc explain` and the reference pages,
 * which therefore say the same. Pure.
 */
import { asymmetricMeasure } from "../check/rules/compression.ts";
import { LoweringError } from "../ir/lower/environment.ts";
import { instantiateMiner } from "../resolve/bind.ts";
import { Diagnostics } from "../diagnostics/diagnostic.ts";
import { oneLine, writeType } from "../resolve/describe.ts";
import type { Scope } from "../resolve/scope.ts";
import type { LossInstance, MinerInstance } from "../resolve/values.ts";
import { textOf } from "../source/source.ts";
import type {
  Declaration,
  LossDeclaration,
  MeasureDeclaration,
  MinerDeclaration,
  PrimitiveDeclaration,
} from "../syntax/ast.ts";
import { granularityOf } from "../verify/granularity.ts";
import { batchNeeds, writeNeeds } from "./batch_needs.ts";
import { costOf, writeGrowth } from "./cost.ts";
import { exampleOf, exampleUse, pairsBy } from "./example.ts";
import { ignoresLengths, rangeOn, writeRange, writeRanges } from "./range.ts";

export interface Fact {
  /** "Granularity" */
  readonly name: string;
  readonly text: string;
}

/** What the letters of a cost stand for. */
export const SIZES =
  "B: samples of the batch, K: samples of each class in it, C: classes of the data, D: width of the embedding.";

/** A width for what does not depend on it. */
const DIM = 64;

/** Empty for what the compiler finds out nothing about: a layer, an optimiser, a loss that asks for a value. */
export function factsOf(declaration: Declaration, scope: Scope): Fact[] {
  try {
    switch (declaration.kind) {
      case "Loss":
        return lossFacts(declaration, scope);
      case "Measure":
        return measureFacts(declaration, scope);
      case "Miner":
        return minerFacts(declaration, scope);
      case "Primitive":
        return strategyFacts(declaration);
      default:
        return [];
    }
  } catch (error) {
    // What cannot be lowered cannot be compiled either, and the check of a spec says so.
    if (error instanceof LoweringError) return [];
    throw error;
  }
}

function lossFacts(declaration: LossDeclaration, scope: Scope): Fact[] {
  const example = exampleOf(declaration, scope);
  if (example === undefined) return [];
  const { use, instance } = example;
  const plain = use === declaration.name.text;
  return [
    ...(plain ? [] : [{ name: "Looked at", text: `as \`${use}\`` }]),
    { name: "Granularity", text: granularityText(instance) },
    { name: "Range", text: rangeText(instance) },
    { name: "Geometry", text: geometryText(instance) },
    { name: "Folding", text: foldingText(instance) },
    ...needsFacts(instance),
    ...costFacts(instance),
  ];
}

function granularityText(instance: LossInstance): string {
  const found = granularityOf(instance, DIM);
  if (found.kind === "sample") return "per sample: made of sums and means over the samples of the batch";
  const { reduction } = found;
  const because = reduction === undefined ? "" : `, by \`${headOf(reduction)}\``;
  return found.kind === "class" ? `per class${because}` : `of the whole batch${because}`;
}

/** `mean[k in classes | …]`: a reduction without its body. */
function headOf({
  span,
  bodies,
}: {
  span: LossDeclaration["span"];
  bodies: readonly { span: LossDeclaration["span"] }[];
}): string {
  const end = Math.min(...bodies.map((body) => body.span.start));
  return oneLine(textOf({ ...span, end }))
    .replace(/[\s(-]+$/, "")
    .trim();
}

function rangeText(instance: LossInstance): string {
  const { result } = instance.declaration;
  if (result !== undefined && result.refinements.length > 0) return `${writeType(result)}, as declared`;
  const any = assumed(instance).includes("free");
  return any ? `within ${writeRange(rangeOn(instance, false))}` : writeRanges(instance);
}

function geometryText(instance: LossInstance): string {
  const [assumption] = assumed(instance);
  if (assumption === "unit") return "made for unit vectors: end the head with `normalize`";
  if (assumption === "free") return "made for vectors of any length: no `normalize` at the end of the head";
  return ignoresLengths(instance)
    ? "the lengths of embeddings make no difference"
    : "unit vectors or others; lengths make a difference";
}

/** What the header takes for granted of the embeddings. */
function assumed({ declaration }: LossInstance): string[] {
  return declaration.assumes.flatMap((each) => (each.kind === "Call" ? [each.callee.text] : []));
}

function foldingText(instance: LossInstance): string {
  const measure = asymmetricMeasure(instance);
  return measure === undefined
    ? "`compress` can fold an ensemble with it"
    : `\`compress\` refuses an ensemble with it: \`${measure}\` is no distance between points`;
}

function needsFacts(instance: LossInstance, miner?: MinerInstance): Fact[] {
  const needs = batchNeeds(instance, miner);
  return needs === undefined ? [] : [{ name: "Batch", text: writeNeeds(needs) }];
}

function costFacts(instance: LossInstance, miner?: MinerInstance): Fact[] {
  const { memory, time, parameters } = costOf(instance, miner);
  return [
    { name: "Memory", text: `grows as ${writeGrowth(memory)}` },
    { name: "Time", text: `grows as ${writeGrowth(time)}` },
    ...(parameters.length === 0
      ? []
      : [{ name: "Trains", text: `numbers that grow as ${writeGrowth(parameters)}` }]),
  ];
}

function measureFacts({ name, parameters }: MeasureDeclaration, scope: Scope): Fact[] {
  if (parameters.some((parameter) => parameter.default === undefined)) return [];
  const example = pairsBy(name.text, scope);
  if (example === undefined) return [];
  const { instance } = example;
  return [
    { name: "Range", text: writeRanges(instance) },
    ...(ignoresLengths(instance)
      ? [{ name: "Geometry", text: "the lengths of vectors make no difference" }]
      : []),
    ...costFacts(instance).map((fact) => ({ ...fact, text: `${fact.text}, for all pairs of a batch` })),
  ];
}

/** What a strategy asks of its operands, by the words of its declaration, which the checker holds them against. */
function strategyFacts({ needs, parameters }: PrimitiveDeclaration): Fact[] {
  const has = (parameter: string): boolean => parameters.some(({ name }) => name.text === parameter);
  const scaled = has("scale") ? "; with `scale: gradient_norm` or `none` any values" : "";
  const floored = has("floor") ? "; with a `floor` above 0, values that are never negative" : "";
  const known: Readonly<Record<string, Fact>> = {
    non_negative: { name: "Operands", text: `values that are never negative${scaled}` },
    positive: { name: "Operands", text: `values that stay above 0${floored}` },
    per_sample: { name: "Granularity", text: "operands per sample: made of sums and means over the batch" },
    gradient_each: { name: "Time", text: "a backward pass for each operand" },
  };
  return needs.flatMap(({ text }) => known[text] ?? []);
}

/** Of a miner with the loss that is the plainest on its tuples. */
function minerFacts({ name, parameters, tuple }: MinerDeclaration, scope: Scope): Fact[] {
  const use = tuple.length === 3 ? "triplet" : "contrastive";
  const chooses = `${tuple.length === 3 ? "triplets" : "pairs"} (${tuple.map(({ text }) => text).join(", ")})`;
  const facts = [{ name: "Chooses", text: chooses }];
  if (parameters.some((parameter) => parameter.default === undefined)) return facts;
  const loss = exampleUse(`${use}()`, scope);
  const text = { kind: "Name" as const, text: name.text, span: name.span };
  const miner = instantiateMiner(text, scope, new Map(), new Diagnostics());
  if (loss === undefined || miner === undefined) return facts;
  return [
    ...facts,
    ...needsFacts(loss.instance, miner),
    ...costFacts(loss.instance, miner).map((fact) => ({ ...fact, text: `${fact.text}, with \`${use}\`` })),
  ];
}
