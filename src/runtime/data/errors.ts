/**
 * The one error of this folder: data that is missing, broken, refused or too little. Thrown by the sources, the split
 * rule and the sampler; the command line prints message and help and exits with the code for bad input.
 */

/** What went wrong with the data, and what the user can do about it. */
export class DataError extends Error {
  override readonly name = "DataError";
  /** One or two sentences that say what to do. */
  readonly help: string;

  constructor(message: string, help: string, options?: { cause?: unknown }) {
    super(message, options);
    this.help = help;
  }
}

/** The `code` of a Node.js system error (`ENOENT`, `ENOSPC`, …), if the value is one. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}
