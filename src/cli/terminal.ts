/**
 * Where commands write: results to `out`, everything else to `err`, each with its own paint. `processTerminal` is the
 * process's; tests make their own.
 */
import { colorEnabled, createPaint } from "../runtime/report/color.ts";
import type { Paint } from "../runtime/report/color.ts";

export interface Terminal {
  /** Results, and nothing else. */
  out(text: string): void;
  /** Diagnostics, progress, errors. */
  err(text: string): void;
  readonly outPaint: Paint;
  readonly errPaint: Paint;
}

/**
 * stdout and stderr of the process. A reader that closes its end early (`dmlc … | head`) ends the process quietly, as
 * is usual for commands.
 */
export function processTerminal(): Terminal {
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(0);
      throw error;
    });
  const paintOf = (stream: NodeJS.WriteStream): Paint =>
    createPaint(colorEnabled(stream.isTTY === true, process.env));
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    outPaint: paintOf(process.stdout),
    errPaint: paintOf(process.stderr),
  };
}
