/**
 * The reporter of the running process: progress on standard error, in colours where the terminal and the environment
 * want them. Called by `dmlc run` and by emitted programs; touches `process` and nothing else.
 */
import { colorEnabled } from "./color.ts";
import { createReporter } from "./progress.ts";
import type { Reporter } from "./progress.ts";

/** Whoever asks for it closes it. */
export function processReporter(): Reporter {
  const { stderr, env } = process;
  const isTTY = stderr.isTTY === true;
  return createReporter({
    stream: stderr,
    isTTY,
    columns: () => stderr.columns,
    now: () => performance.now(),
    color: colorEnabled(isTTY, env),
  });
}
