/**
 * Runs a tool of the user's machine (pip, the C++ compiler, node) to its end and answers what it said. Called by the
 * installation; starts one process and nothing else.
 */
import { spawn } from "node:child_process";
import { systemCode } from "../../runtime/data/errors.ts";
import { RunInterrupted } from "../../runtime/errors.ts";

export interface ToolResult {
  /** Exit code; `null` where a signal ended it. */
  readonly code: number | null;
  readonly endedBy: NodeJS.Signals | null;
  readonly out: string;
  readonly errors: string;
}

export interface ToolOptions {
  readonly environment: NodeJS.ProcessEnv;
  /** Ends the tool when it is aborted. */
  readonly signal: AbortSignal;
  readonly directory?: string;
}

/**
 * What a tool answered, or `undefined` where there is no such command.
 *
 * @throws RunInterrupted once the signal is aborted, whatever the tool answered.
 */
export function runTool(
  command: string,
  args: readonly string[],
  { environment, signal, directory }: ToolOptions,
): Promise<ToolResult | undefined> {
  if (signal.aborted) return Promise.reject(interrupted());
  return new Promise((resolve, reject) => {
    const tool = spawn(command, [...args], {
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
      signal,
      ...(directory === undefined ? {} : { cwd: directory }),
    });
    let [out, errors] = ["", ""];
    tool.stdout.setEncoding("utf8").on("data", (text: string) => void (out += text));
    tool.stderr.setEncoding("utf8").on("data", (text: string) => void (errors += text));
    let failure: Error | undefined;
    tool.on("error", (error) => {
      failure = error;
      // A command that was never started does not close.
      if (tool.pid === undefined) settle(null, null);
    });
    const settle = (code: number | null, endedBy: NodeJS.Signals | null): void => {
      if (signal.aborted) reject(interrupted());
      else if (failure === undefined) resolve({ code, endedBy, out, errors });
      else if (systemCode(failure) === "ENOENT" || systemCode(failure) === "EACCES") resolve(undefined);
      else reject(failure);
    };
    tool.on("close", settle);
  });
}

/** The error of an installation that the user has ended. */
export function interrupted(): RunInterrupted {
  return new RunInterrupted("interrupted", "Nothing was installed; run the command again to start anew.");
}
