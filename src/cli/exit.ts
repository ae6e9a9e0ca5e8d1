/**
 * Exit codes of `dmlc`, and the errors that lead to them. Thrown by commands, mapped by `main.ts`.
 */
export const EXIT = {
  ok: 0,
  /** The spec has errors. */
  spec: 1,
  /** The command line is wrong, or names a file that cannot be read or written. */
  usage: 2,
  /** The run (training, evaluation, data) failed. */
  run: 3,
  /** SIGINT ended the run; what was reached is saved (128 + 2). */
  interrupted: 130,
  /** A bug in dmlc (EX_SOFTWARE of sysexits.h). */
  bug: 70,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with a message on stderr and an exit code. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: ExitCode;
  /** What to do about it. */
  readonly help: string | undefined;

  constructor(exitCode: ExitCode, message: string, help?: string) {
    super(message);
    this.exitCode = exitCode;
    this.help = help;
  }
}

/** Ends a command whose diagnostics have been printed already. */
export class Reported extends Error {
  override readonly name = "Reported";
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode) {
    super("reported");
    this.exitCode = exitCode;
  }
}
