/**
 * The command line: options, commands, exit codes. One file for each command in `commands/`; none of them ends the
 * process. `bin/dmlc.js` calls `main` and sets the exit code it answers.
 */
import { Command, CommanderError } from "commander";
import { RunError, RunInterrupted } from "../runtime/errors.ts";
import { DataError } from "../runtime/data/errors.ts";
import { EngineError } from "../runtime/engine/errors.ts";
import { CommandError, EXIT, Reported } from "./exit.ts";
import { ownPackage } from "./package.ts";
import { processTerminal } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

type MakeCommand = (terminal: Terminal) => Command;

/**
 * In the order of the help text. Each is loaded when it is asked for: `dmlc check` answers without waiting for the
 * emitter's libraries or an engine.
 */
const COMMANDS: Readonly<Record<string, () => Promise<MakeCommand>>> = {
  check: async () => (await import("./commands/check.ts")).checkCommand,
  compile: async () => (await import("./commands/compile.ts")).compileCommand,
  run: async () => (await import("./commands/run.ts")).runCommand,
  try: async () => (await import("./commands/try.ts")).tryCommand,
  explain: async () => (await import("./commands/explain.ts")).explainCommand,
  backend: async () => (await import("./commands/backend.ts")).backendCommand,
  info: async () => (await import("./commands/info.ts")).infoCommand,
};

/** Runs one command line (without `node` and the script's name); answers its exit code. */
export async function main(args: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  try {
    await (await program(args, terminal)).parseAsync([...args], { from: "user" });
    return EXIT.ok;
  } catch (error) {
    return failed(error, terminal);
  }
}

async function program(args: readonly string[], terminal: Terminal): Promise<Command> {
  const root = new Command("dmlc")
    .description("Compiles and trains deep metric learning losses written in DML.")
    .version(ownPackage().json.version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command");
  for (const name of commandsFor(args[0])) root.addCommand((await COMMANDS[name]!())(terminal));
  for (const command of [root, ...root.commands, ...root.commands.flatMap((each) => each.commands)])
    command.exitOverride().configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      outputError: (text, write) => write(terminal.errPaint("red", text)),
    });
  return root;
}

/** The commands that a first argument is about: itself, none for the version, and all for the help. */
function commandsFor(first = "--help"): readonly string[] {
  if (Object.hasOwn(COMMANDS, first)) return [first];
  return first === "-V" || first === "--version" ? [] : Object.keys(COMMANDS);
}

function failed(error: unknown, terminal: Terminal): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof Reported) return error.exitCode;
  if (error instanceof CommandError) return complain(terminal, error.exitCode, error.message, error.help);
  if (error instanceof RunError || error instanceof DataError)
    return complain(
      terminal,
      error instanceof RunInterrupted ? EXIT.interrupted : EXIT.run,
      error.message,
      error.help,
    );
  if (error instanceof EngineError) return complain(terminal, EXIT.run, error.message);
  const said = error instanceof Error ? error.message : String(error);
  complain(
    terminal,
    EXIT.bug,
    `this is a bug in dmlc ${ownPackage().json.version}: ${said}`,
    "Please report it, with the command, the spec and the output of `dmlc info`; DMLC_DEBUG=1 adds the stack.",
  );
  if (process.env["DMLC_DEBUG"] && error instanceof Error) terminal.err(`${error.stack ?? ""}\n`);
  return EXIT.bug;
}

function complain(terminal: Terminal, code: number, message: string, help?: string): number {
  const { errPaint } = terminal;
  terminal.err(`${errPaint("red", errPaint("bold", "error"))}: ${message}\n`);
  if (help !== undefined) terminal.err(`  ${errPaint("bold", "help:")} ${help}\n`);
  return code;
}
