/**
 * Diagnostics of what the losses, heads and strategies of a model ask of each other, DML0417 and up. Data only.
 */
import { define } from "../diagnostic.ts";
import { listOf } from "./resolve.ts";

export const prefixTooLong = define<{ loss: string; longest: number; head: string; dim: number }>({
  code: "DML0417",
  name: "prefix-too-long",
  severity: "error",
  message: ({ loss, longest, head, dim }) =>
    `\`${loss}\` takes the first ${longest} numbers of an embedding, but the head \`${head}\` gives only ${dim}`,
  reason: () => "A prefix is a part of the embedding, at most all of it.",
  help: ({ dim }) => `Take prefixes of at most ${dim}, or make the head wider.`,
});

export const unknownLabel = define<{
  name: string;
  data: string;
  known: readonly string[];
  suggestion?: string;
  /** Whether its source names the labels, and not the data set. */
  fixed: boolean;
}>({
  code: "DML0440",
  name: "unknown-label",
  severity: "error",
  message: ({ name, data }) => `\`${name}\` is no label of the data set \`${data}\``,
  reason: ({ known, data }) =>
    known.length === 0
      ? `The samples of \`${data}\` have their class and no label with a name.`
      : `Its labels are ${listOf(known)}.`,
  help: ({ suggestion, fixed, name }) =>
    suggestion !== undefined
      ? `Did you mean \`${suggestion}\`?`
      : fixed
        ? undefined
        : `Name the labels in the data set, the class last: \`labels: [${name}, …]\`.`,
});

export const notWeighedByClass = define<{ loss: string; kind: "class" | "batch"; why: string }>({
  code: "DML0441",
  name: "not-weighed-by-class",
  severity: "error",
  message: ({ loss, kind }) =>
    `\`class_weights\` weighs samples by their class, but \`${loss}\` is a loss per ${kind}`,
  reason: ({ why }) => `No sample has a share of its own in it that could be multiplied: ${why}.`,
  help: ({ loss }) => `Leave it out: \`class_weights: balanced { ${loss}: none }\`.`,
});

interface Hinge {
  readonly loss: string;
  readonly head: string;
  /** The parameter that would make the difference, what it is, and which values would. */
  readonly parameter?: string;
  readonly given?: string;
  readonly usable?: string;
  /** "`margin - d(i, j)` lies between 1 and 3 on unit vectors" */
  readonly bounds: string;
}

const hingeOf = ({ loss, head, parameter, given }: Hinge): string =>
  parameter === undefined
    ? `A hinge of \`${loss}\` on the head \`${head}\``
    : `With \`${parameter}: ${given}\`, a hinge of \`${loss}\` on the head \`${head}\``;

const hingeRemedy = ({ parameter, usable }: Hinge): string =>
  parameter === undefined
    ? "Change the formula or its arguments."
    : `Values of \`${parameter}\` ${usable} work.`;

export const hingeNeverActive = define<Hinge>({
  code: "DML0418",
  name: "margin-never-missed",
  severity: "error",
  message: (hinge) => `${hingeOf(hinge)} can never be active`,
  reason: ({ bounds }) => `${bounds}. The hinge is 0 for every batch, and nothing is learned from it.`,
  help: hingeRemedy,
});

export const hingeAlwaysActive = define<Hinge>({
  code: "DML0419",
  name: "margin-never-met",
  severity: "error",
  message: (hinge) => `${hingeOf(hinge)} can never switch off`,
  reason: ({ bounds }) =>
    `${bounds}. A margin that nothing can meet is none: the hinge is its argument for every batch.`,
  help: hingeRemedy,
});

export const headGeometry = define<{ loss: string; head: string; assumed: string }>({
  code: "DML0420",
  name: "head-geometry",
  severity: "warning",
  message: ({ loss, head, assumed }) =>
    assumed === "unit"
      ? `\`${loss}\` was made for embeddings of unit length, but the head \`${head}\` gives them any length`
      : `\`${loss}\` was made for embeddings of any length, but the head \`${head}\` gives them unit length`,
  reason: ({ assumed }) =>
    assumed === "unit"
      ? "Its margins are measured on the unit sphere; embeddings that may grow can meet any margin by growing."
      : "It shapes the spread of the embeddings itself, which unit length takes out of its hands.",
  help: ({ assumed }) =>
    assumed === "unit"
      ? "End the head with `|> normalize`."
      : "Leave out the `|> normalize` at the end of the head.",
});

export const redundantGroup = define<{ group: string; strategy: string }>({
  code: "DML0421",
  name: "redundant-group",
  severity: "warning",
  message: ({ group, strategy }) =>
    `The group \`${group}\` has no head of its own and uses \`${strategy}\`, as the groups themselves do`,
  reason: ({ strategy }) =>
    `\`${strategy}\` of \`${strategy}\` weighs the same losses with products of weights: a flat combination, written in another way.`,
  help: ({ strategy }) =>
    `Give the group a branch (\`with …\`), another strategy, or put all losses into one \`${strategy}(…)\`.`,
});

interface Need {
  readonly strategy: string;
  readonly operand: string;
  readonly need: "non_negative" | "positive";
  /** Whether the strategy has a `floor`. */
  readonly floor: boolean;
  /** Whether the operand is a loss, which may declare its range. */
  readonly isLoss: boolean;
}

const needed = ({ need }: Need): string => (need === "positive" ? "bounded away from 0" : "never negative");

const needReason = ({ strategy, need }: Need): string =>
  need === "positive"
    ? `\`${strategy}\` divides by what it learns of each loss, and would make that of a loss near 0 as small as it likes: the whole is unbounded below.`
    : `\`${strategy}\` measures how large each loss is and divides by that, which means nothing for a loss that may be negative.`;

const needRemedy = ({ need, floor, strategy }: Need): string =>
  need === "positive" && floor
    ? `Write \`${strategy}(…, floor: 1e-3)\`: losses below the floor then train nothing.`
    : strategy === "equal" || strategy === "learned"
      ? "Write `scale: none`, or combine it with a fixed coefficient."
      : "Combine it with a fixed coefficient outside of the strategy.";

export const needBroken = define<Need & { found: string }>({
  code: "DML0422",
  name: "strategy-need-broken",
  severity: "error",
  message: (a) => `\`${a.strategy}\` needs losses that are ${needed(a)}, but \`${a.operand}\` ${a.found}`,
  reason: needReason,
  help: needRemedy,
});

export const needUnproven = define<Need & { bounds: string }>({
  code: "DML0423",
  name: "strategy-need-unproven",
  severity: "warning",
  message: (a) =>
    `\`${a.strategy}\` needs losses that are ${needed(a)}, which cannot be shown of \`${a.operand}\``,
  reason: (a) => `What is known of \`${a.operand}\`: ${a.bounds}. ${needReason(a)}`,
  help: (a) =>
    (a.need === "positive" && a.floor) || !a.isLoss
      ? needRemedy(a)
      : `If it never is, say so in its header: \`${a.need === "positive" ? ": real > 0" : ": real >= 0"}\`. ${needRemedy(a)}`,
});

export const notPerSample = define<{
  strategy: string;
  operand: string;
  kind: "class" | "batch" | "strategy";
  why: string;
}>({
  code: "DML0424",
  name: "not-per-sample",
  severity: "error",
  message: ({ strategy, operand, kind }) =>
    kind === "strategy"
      ? `\`${strategy}\` weighs each sample, but \`${operand}\` gives one number for the whole batch`
      : `\`${strategy}\` weighs each sample, but \`${operand}\` is a loss per ${kind}`,
  reason: ({ why }) => `No sample has a share of its own in it: ${why}.`,
  help: ({ strategy, operand }) =>
    `Take \`${operand}\` out of \`${strategy}\`, for example \`${strategy}(…) + 0.1 * ${operand}\`.`,
});

export const inseparableGradients = define<{ inner: string; outer: string }>({
  code: "DML0425",
  name: "inseparable-gradients",
  severity: "error",
  message: ({ inner, outer }) =>
    `\`${outer}\` needs the gradient of each operand, and \`${inner}\` below it has none of its own`,
  reason: ({ inner }) =>
    `\`${inner}\` puts gradients together and not values: its direction is the gradient of no loss, so it cannot be told from the others' by differentiating again.`,
  help: ({ outer }) => `Put all losses into one \`${outer}(…)\`, or combine them by value inside it.`,
});

export const tupleMismatch = define<{ miner: string; loss: string; tuple: readonly string[] }>({
  code: "DML0426",
  name: "tuple-mismatch",
  severity: "error",
  message: ({ miner, loss, tuple }) =>
    `\`${miner}\` chooses ${tuple.length === 2 ? "pairs" : "triplets"} (${tuple.join(", ")}), and \`${loss}\` has none it could choose among`,
  reason: ({ tuple }) =>
    tuple.length === 2
      ? "A miner of pairs restricts the `same` and `differs` in a formula, and there is none here."
      : "A miner of triplets restricts reductions that bind an anchor, a positive and a negative, and there is none here.",
  help: () => "Remove `on …`, or take a miner of the tuples that the loss compares.",
});

export const memoryBudget = define<{
  total: string;
  budget: string;
  loss: string;
  term: string;
  shape: string;
  largest: string;
  memory: boolean;
}>({
  code: "DML0427",
  name: "memory-budget",
  severity: "error",
  message: ({ total, budget }) =>
    `The losses of one step keep ${total} for their gradients, more than ${budget}`,
  reason: ({ loss, term, shape, largest }) =>
    `The largest term is \`${term}\` of \`${loss}\`: ${shape} numbers, ${largest}.`,
  help: ({ memory }) =>
    `Take a smaller batch${memory ? " or memory" : ""}, or a loss that compares fewer tuples at once.`,
});

export const cannotFold = define<{ compression: string; gate?: string; measure?: string }>({
  code: "DML0428",
  name: "cannot-fold",
  severity: "error",
  message: ({ compression, gate, measure }) =>
    `\`${compression}\` folds the heads into one, which an ensemble with \`${gate ?? measure}\` does not allow`,
  reason: ({ measure }) =>
    measure === undefined
      ? "Folding keeps directions of one linear map of the features. Gates weigh the heads anew for each sample, so there is no such map: such an ensemble can only be distilled."
      : `Folding keeps Euclidean distances, and \`${measure}\` is none: it depends on which of two samples is asked for the other. Such an ensemble can only be distilled.`,
  help: ({ gate }) =>
    gate === undefined
      ? "Remove `compress`, or compare by `euclidean` or `cosine_distance`."
      : `Remove \`compress\`, or combine with fixed or learned weights in place of \`${gate}\`.`,
});

export const unreachedByGradient = define<{ loss: string; what: string }>({
  code: "DML0429",
  name: "unreached-by-gradient",
  severity: "error",
  message: ({ loss, what }) => `No gradient of \`${loss}\` reaches ${what}`,
  reason: () =>
    `It would keep its random first value for ever: on every way from the loss to it there is a \`stop_gradient\`, a comparison, or a branch that is never taken.`,
  help: () => "Take it out of `stop_gradient`, use it in the formula, or declare it with `{ train: false }`.",
});

export const equalViews = define<{ loss: string; data: string; augmented: boolean }>({
  code: "DML0430",
  name: "equal-views",
  severity: "warning",
  message: ({ loss, data }) => `\`${loss}\` compares views of a batch, and those of \`${data}\` are equal`,
  reason: ({ augmented }) =>
    `Views are the images drawn again through \`augment\`; ${augmented ? "this one leaves them as they are" : "without one they are the same images"}.`,
  help: () =>
    "Give the data set an augmentation: `augment: affine(rotate: 10deg, scale: 0.1, shift: 0.1) |> flip`.",
});

export const memoryOutOfPlace = define<{ loss: string; views: boolean }>({
  code: "DML0431",
  name: "memory-out-of-place",
  severity: "error",
  message: ({ loss, views }) =>
    views
      ? `\`${loss}\` compares views of one batch, and a memory holds samples of earlier ones`
      : `No index of \`${loss}\` runs over a memory`,
  reason: ({ views }) =>
    views
      ? "What is remembered of a sample has no second view that the formula could set beside the first."
      : "The first index of samples runs over the batch, the others over batch and memory; here there is no other: this loss compares samples with parameters of its own.",
  help: () =>
    "Remove `against …`, or take a loss that compares samples with each other: `contrastive`, `multi_similarity`, `supcon`.",
});

export const memoryWithheld = define<{ loss: string }>({
  code: "DML0432",
  name: "memory-withheld",
  severity: "warning",
  message: ({ loss }) => `\`${loss}\` does not look at its memory`,
  reason: () =>
    "Its indices of samples are ordered by `<`, and ordered indices stay in the batch. The memory changes nothing, so none is kept.",
  help: () => "Remove `against …`, or write `i != j` in place of the order.",
});

export const samplesNeeded = define<{ what: string }>({
  code: "DML0434",
  name: "samples-needed",
  severity: "error",
  message: ({ what }) => `${what} is asked of rows that are no samples`,
  reason: () =>
    "`same`, `differs` and `y` speak of samples and their classes. A loss that another gives its class vectors, `inner(x: w)`, looks at one row a class: no two of them are of one class, and no sample stands behind any.",
  help: () =>
    "Give class vectors to a loss that compares rows by nothing but their vectors (`regular_face`, `center_invariant`, `zero_mean`, `lp_regularizer`), and this loss the embeddings: `inner(x: x)`.",
});

export const impossibleCompression = define<{ what: string; why: string; help: string }>({
  code: "DML0433",
  name: "impossible-compression",
  severity: "error",
  message: ({ what }) => what,
  reason: ({ why }) => why,
  help: ({ help }) => help,
});
