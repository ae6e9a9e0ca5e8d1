/** The error of a run that cannot go on. Thrown by the trainer and the run; the command line prints message and help. */
export class RunError extends Error {
  override readonly name: string = "RunError";
  /** One or two sentences that say what to do. */
  readonly help: string;

  constructor(message: string, help: string, options?: { cause?: unknown }) {
    super(message, options);
    this.help = help;
  }
}

/** A run that the user has ended; what was reached is saved, as the help says. */
export class RunInterrupted extends RunError {}
