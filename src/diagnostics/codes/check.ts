/**
 * Diagnostics of the settings of models and data sets, DML0401 to DML0416, and the one of what parses but is not built
 * yet, DML0900. Data only.
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

/** Everything that parses and means something in the language, but that this version cannot compile. */
export const notBuiltYet = define<{ thing: string; help?: string }>({
  code: "DML0900",
  name: "not-built-yet",
  severity: "error",
  message: ({ thing }) => `${thing} is part of the language, but not built yet`,
  reason: () => "This version of dmlc parses and understands it and cannot compile it.",
  help: ({ help }) => help,
});
