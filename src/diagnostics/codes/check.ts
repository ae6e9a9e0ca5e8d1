/**
 * Diagnostics of models and data sets, DML04xx, and the one of what parses but is not built yet, DML0900. Data only.
 */
import { define } from "../diagnostic.ts";
import { listOf } from "./resolve.ts";

export const unknownSetting = define<{
  name: string;
  where: string;
  known: readonly string[];
  suggestion?: string;
}>({
  code: "DML0401",
  name: "unknown-setting",
  severity: "error",
  message: ({ name, where }) => `${where} has no setting \`${name}\``,
  reason: ({ where, known }) =>
    known.length === 0 ? `${where} takes no settings.` : `Its settings are ${listOf(known)}.`,
  help: ({ suggestion }) => (suggestion === undefined ? undefined : `Did you mean \`${suggestion}\`?`),
});

export const missingSetting = define<{
  where: string;
  missing: readonly { readonly name: string; readonly why: string; readonly example: string }[];
}>({
  code: "DML0402",
  name: "missing-setting",
  severity: "error",
  message: ({ where, missing }) =>
    `${where} needs the ${missing.length === 1 ? "setting" : "settings"} ${listOf(missing.map(({ name }) => name))}`,
  reason: ({ missing }) => missing.map(({ why }) => why).join(" "),
  help: ({ missing }) => `Write for example ${missing.map(({ example }) => `\`${example}\``).join(" and ")}.`,
});

export const duplicateName = define<{ name: string; what: string }>({
  code: "DML0403",
  name: "duplicate-name",
  severity: "error",
  message: ({ name, what }) => `There are two ${what} called \`${name}\` here`,
  reason: () => "Each name stands for one thing, and it would be left open which of the two counts.",
  help: () => "Remove or rename one of them.",
});

export const malformedSetting = define<{ what: string; needed: string; example: string }>({
  code: "DML0404",
  name: "malformed-setting",
  severity: "error",
  message: ({ what, needed }) => `${what} needs ${needed}`,
  reason: () => "A setting has one form, and what stands here has another.",
  help: ({ example }) => `Write for example \`${example}\`.`,
});

export const shapeMismatch = define<{ what: string; expected: string; found: string; why: string }>({
  code: "DML0405",
  name: "shape-mismatch",
  severity: "error",
  message: ({ what, expected, found }) => `${what} should give ${expected}, but gives ${found}`,
  reason: ({ why }) => why,
  help: () => undefined,
});

export const layerInput = define<{ layer: string; given: string; needed: string; help?: string }>({
  code: "DML0406",
  name: "layer-input",
  severity: "error",
  message: ({ layer, given, needed }) => `\`${layer}\` takes ${needed}, but the stage before gives ${given}`,
  reason: ({ layer, given, needed }) => `It is: ${given}. But \`${layer}\` needs: ${needed}.`,
  help: ({ help }) => help,
});

export const imageTooSmall = define<{ layer: string; given: string; size: number }>({
  code: "DML0407",
  name: "image-too-small",
  severity: "error",
  message: ({ layer, given, size }) => `\`${layer}\` of ${size} by ${size} leaves nothing of ${given}`,
  reason: () => "A window that does not fill is dropped, so an image smaller than one window becomes empty.",
  help: () => "Take larger images, fewer poolings, or `global_avg_pool` at the end.",
});

export const impossibleBatch = define<{
  batch: string;
  loss: string;
  word: "same" | "differs";
  help: string;
}>({
  code: "DML0408",
  name: "impossible-batch",
  severity: "error",
  message: ({ batch, loss, word }) =>
    word === "same"
      ? `A batch of ${batch} holds no two samples of one class, and \`${loss}\` compares such pairs`
      : `A batch of ${batch} holds only one class, and \`${loss}\` compares samples of different classes`,
  reason: ({ loss }) =>
    `Without such pairs \`${loss}\` is 0 with zero gradient at every step and nothing is learned from it.`,
  help: ({ help }) => help,
});

export const lossNotCombined = define<{ name: string; combined: readonly string[] }>({
  code: "DML0409",
  name: "loss-not-combined",
  severity: "error",
  message: ({ name }) => `The loss \`${name}\` is declared but never combined`,
  reason: ({ combined }) =>
    `\`combine\` says what is minimised, and it mentions only ${listOf(combined)}: this loss would train nothing.`,
  help: ({ name }) => `Add \`${name}\` to \`combine\`, or remove it from \`losses\`.`,
});

export const lossCombinedTwice = define<{ name: string }>({
  code: "DML0410",
  name: "loss-combined-twice",
  severity: "error",
  message: ({ name }) => `The loss \`${name}\` is combined twice`,
  reason: () =>
    "Each loss has one place in the combination, so that its weight and its scale are well defined.",
  help: () => "Remove one of the two, or declare the loss a second time under another name.",
});

export const lossesNotCombined = define<{ example: string; count: number }>({
  code: "DML0411",
  name: "losses-not-combined",
  severity: "error",
  message: ({ count }) => `The model has ${count} losses but does not say how they are combined`,
  reason: () =>
    "Several losses become one number that is minimised; how is the point of an ensemble, so it is not guessed.",
  help: ({ example }) => `Write for example \`${example}\`.`,
});

export const malformedCombination = define<{ what: string; why: string; help?: string }>({
  code: "DML0412",
  name: "malformed-combination",
  severity: "error",
  message: ({ what }) => what,
  reason: ({ why }) => why,
  help: ({ help }) => help,
});

export const impossibleSplit = define<{ what: string; why: string; help: string }>({
  code: "DML0413",
  name: "impossible-split",
  severity: "error",
  message: ({ what }) => what,
  reason: ({ why }) => why,
  help: ({ help }) => help,
});

export const budgetExceeded = define<{ what: string; limit: string; help: string }>({
  code: "DML0414",
  name: "budget-exceeded",
  severity: "error",
  message: ({ what, limit }) => `${what}: more than ${limit}`,
  reason: () =>
    "The compiler works on a budget, so that no spec can make it run for ever or fill the memory.",
  help: ({ help }) => help,
});

export const compressTooWide = define<{ to: number; total: number }>({
  code: "DML0415",
  name: "compress-too-wide",
  severity: "error",
  message: ({ to, total }) =>
    `The ensemble's embedding has ${total} numbers, so it cannot be compressed to ${to}`,
  reason: () =>
    "The heads' embeddings stand side by side in the ensemble's; compression keeps some of their directions.",
  help: ({ total }) => `Write a number of at most ${total}, or remove \`compress\`.`,
});

export const selectWithoutValidation = define<{ selection: string }>({
  code: "DML0416",
  name: "select-without-validation",
  severity: "error",
  message: ({ selection }) => `\`${selection}\` needs validation classes, but the data set has none`,
  reason: () =>
    "What is selected or fitted after training goes by classes that neither train nor test; to go by the test classes would be cheating.",
  help: () => "Give the split some: `zero_shot(train: 0.4, validation: 0.1)`.",
});

export const prefixTooLong = define<{ loss: string; longest: number; head: string; dim: number }>({
  code: "DML0417",
  name: "prefix-too-long",
  severity: "error",
  message: ({ loss, longest, head, dim }) =>
    `\`${loss}\` takes the first ${longest} numbers of an embedding, but the head \`${head}\` gives only ${dim}`,
  reason: () => "A prefix is a part of the embedding, at most all of it.",
  help: ({ dim }) => `Take prefixes of at most ${dim}, or make the head wider.`,
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

export const impossibleCompression = define<{ what: string; why: string; help: string }>({
  code: "DML0433",
  name: "impossible-compression",
  severity: "error",
  message: ({ what }) => what,
  reason: ({ why }) => why,
  help: ({ help }) => help,
});

/** Everything that parses and means something in the language, but that this version cannot compile. */
export const notBuiltYet = define<{ thing: string; help?: string }>({
  code: "DML0900",
  name: "not-built-yet",
  severity: "error",
  message: ({ thing }) => `${thing} is part of the language, but not built yet`,
  reason: () => "This version of dmlc parses and understands it and cannot compile it.",
  help: ({ help }) => help,
});
