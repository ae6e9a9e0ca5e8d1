/**
 * Diagnostics of interpreting a loss (`dmlc try`): DML08xx. Data only.
 */
import { define } from "../diagnostic.ts";

export const cannotInterpret = define<{ problem: string }>({
  code: "DML0801",
  name: "cannot-interpret",
  severity: "error",
  message: ({ problem }) => `this formula has no value: ${problem}`,
  reason: () => "A loss is interpreted exactly as written, on the batch that was given.",
  help: () => undefined,
});

export const tooLargeToInterpret = define<{ problem: string }>({
  code: "DML0802",
  name: "too-large-to-interpret",
  severity: "error",
  message: ({ problem }) => problem,
  reason: () =>
    "Definitions are expanded and every tuple of the batch is visited, within bounds that keep a mistake from hanging.",
  help: () => "Use a smaller batch or smaller ranges, or fewer nested definitions.",
});
