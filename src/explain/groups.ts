/**
 * The standard library in the order of a reference: groups of declarations of one purpose. Read by the list of the
 * documentation and by the reference pages, which therefore have the same order. Pure.
 */
import type { Resolved, Scope, NameKind } from "../resolve/scope.ts";
import type { Declaration, LossDeclaration } from "../syntax/ast.ts";
import { walk } from "../syntax/traverse.ts";

export interface Group {
  /** For addresses: `losses-between-views`. */
  readonly id: string;
  readonly title: string;
  /** One sentence on what its entries are. */
  readonly about: string;
  readonly entries: readonly Entry[];
}

export interface Entry {
  readonly kind: NameKind;
  readonly name: string;
  readonly declaration: Declaration;
  readonly scope: Scope;
}

interface GroupRule {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly kinds: readonly NameKind[];
  readonly holds?: (declaration: Declaration) => boolean;
}

/** An entry belongs to the first group that takes it. */
const RULES: readonly GroupRule[] = [
  {
    id: "losses-around-losses",
    title: "Losses around other losses",
    about: "They apply a loss that they are given to embeddings of their own making.",
    kinds: ["loss"],
    holds: ofLoss(({ parameters }) => parameters.some(({ type }) => type.name.text === "loss")),
  },
  {
    id: "losses-between-views",
    title: "Losses between views",
    about: "They compare two views of each sample, drawn anew by the data set's `augment`.",
    kinds: ["loss"],
    holds: ofLoss(({ views }) => views !== undefined),
  },
  {
    id: "losses-with-class-vectors",
    title: "Losses with class vectors",
    about:
      "They compare samples with vectors of the classes, which are trained with everything else or follow their samples.",
    kinds: ["loss"],
    holds: ofLoss(hasClassVectors),
  },
  {
    id: "regularisers",
    title: "Losses that see no classes",
    about: "They look at embeddings alone: regularisers, made for company, and losses that spread samples.",
    kinds: ["loss"],
    holds: ofLoss((declaration) => !seesClasses(declaration)),
  },
  {
    id: "losses-between-samples",
    title: "Losses between samples",
    about: "They compare the samples of a batch with each other.",
    kinds: ["loss"],
  },
  {
    id: "miners",
    title: "Miners",
    about: "They choose the tuples that a loss is trained on: `LOSS on MINER`.",
    kinds: ["miner"],
  },
  {
    id: "measures",
    title: "Distances and similarities",
    about: "What losses and miners compare vectors by.",
    kinds: ["measure"],
  },
  {
    id: "strategies",
    title: "Combinations",
    about: "Losses as one number, in `combine`.",
    kinds: ["strategy"],
  },
  { id: "backbones", title: "Backbones", about: "Networks that all heads share.", kinds: ["backbone"] },
  { id: "layers", title: "Layers", about: "The stages of pipelines, joined by `|>`.", kinds: ["layer"] },
  {
    id: "data",
    title: "Data",
    about: "Sources of images, how they are read, split and changed, and what is remembered of them.",
    kinds: ["source", "image", "split", "transform", "memory"],
  },
  {
    id: "training",
    title: "Training",
    about: "Optimisers, schedules, precision, and which weights are kept.",
    kinds: ["optimizer", "schedule", "precision", "class_weights", "selection"],
  },
  {
    id: "evaluation",
    title: "Evaluation and compression",
    about: "What is measured on unseen classes, and how heads become one vector.",
    kinds: ["metric", "compression"],
  },
  {
    id: "reductions",
    title: "Reductions",
    about: "The words of formulas that bind indices: `sum[i, j | same(i, j)] …`.",
    kinds: ["reduction"],
  },
  {
    id: "functions",
    title: "Functions and initialisers",
    about: "What formulas are written with, and what their parameters start from.",
    kinds: ["function", "initializer"],
  },
];

/** The order in which a reader meets them. */
const ORDER = [
  "losses-between-samples",
  "losses-with-class-vectors",
  "losses-between-views",
  "losses-around-losses",
  "regularisers",
  "miners",
  "measures",
  "strategies",
  "backbones",
  "layers",
  "data",
  "training",
  "evaluation",
  "reductions",
  "functions",
];

/** All of the library, group by group. */
export function groupsOf(scope: Scope): Group[] {
  const taken = new Set<Declaration>();
  const found = RULES.map((rule): Group => {
    const entries = rule.kinds.flatMap((kind) =>
      scope.names(kind).flatMap((name): Entry[] => {
        const { declaration, scope: own } = scope.lookup(kind, name) as Resolved<NameKind>;
        if (taken.has(declaration) || rule.holds?.(declaration) === false) return [];
        taken.add(declaration);
        return [{ kind, name, declaration, scope: own }];
      }),
    );
    return { id: rule.id, title: rule.title, about: rule.about, entries };
  });
  return ORDER.map((id) => found.find((group) => group.id === id)!).filter(
    ({ entries }) => entries.length > 0,
  );
}

function ofLoss(holds: (declaration: LossDeclaration) => boolean): (declaration: Declaration) => boolean {
  return (declaration) => declaration.kind === "Loss" && holds(declaration);
}

function hasClassVectors({ statements }: LossDeclaration): boolean {
  return statements.some((statement) => {
    if (statement.kind !== "Param" && statement.kind !== "State") return false;
    const indices = statement.kind === "State" ? statement.indices.map(({ domain }) => domain) : [];
    const sides = [...(statement.type.axes ?? []), ...indices];
    const names = sides.map((side) => (side?.kind === "Name" ? side.text : ""));
    return names.includes("classes") && names.includes("dim");
  });
}

/** Whether the formula reads classes: `y`, `same` or `differs`. */
function seesClasses(declaration: LossDeclaration): boolean {
  let sees = false;
  walk(declaration, {
    enter: (node) => {
      if (node.kind === "Call") sees ||= node.callee.text === "same" || node.callee.text === "differs";
      if (node.kind === "Name") sees ||= node.text === "y";
    },
  });
  return sees;
}
