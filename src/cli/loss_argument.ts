/**
 * `LOSS`, `FILE:LOSS` or `LOSS by LABEL on MINER`, and `--set name=value` on a command line: the loss and its miner with their
 * parameters bound by the same law as in a spec. Used by `dmlc try`.
 */
import { renderPretty } from "../diagnostics/render/pretty.ts";
import { Diagnostics } from "../diagnostics/diagnostic.ts";
import { closest } from "../diagnostics/did_you_mean.ts";
import { instantiateLoss, instantiateMiner } from "../resolve/bind.ts";
import type { Host } from "../resolve/host.ts";
import { loadProgram, standardLibrary } from "../resolve/modules.ts";
import type { Scope } from "../resolve/scope.ts";
import { calleeOf } from "../resolve/use.ts";
import type { Use } from "../resolve/use.ts";
import type { LossInstance, MinerInstance } from "../resolve/values.ts";
import type { SourceFile } from "../source/source.ts";
import type { Argument, Expression } from "../syntax/ast.ts";
import { parse } from "../syntax/parse.ts";
import { CommandError, EXIT, Reported } from "./exit.ts";
import { nodeHost } from "./host.ts";
import type { Terminal } from "./terminal.ts";

export interface TriedLoss {
  readonly loss: LossInstance;
  /** `by LABEL`. */
  readonly by?: string;
  readonly miner?: MinerInstance;
}

/**
 * What a command line means: the loss, and the miner it is evaluated on. Ends the command with exit code 1 if the file,
 * the use or a setting has errors, 2 if there is no such file or loss.
 */
export function lossArgument(argument: string, settings: readonly string[], terminal: Terminal): TriedLoss {
  const { file, entry } = split(argument);
  const diagnostics = new Diagnostics();
  const scope = scopeOf(file, nodeHost(file ?? "."), diagnostics);
  if (diagnostics.hasErrors) throw report(diagnostics, terminal);
  const written = parseEntry(entry, diagnostics);
  if (written === undefined) throw report(diagnostics, terminal);
  const { text: name } = calleeOf(written.use);
  if (scope.lookup("loss", name) === undefined) {
    const suggestion = closest(name, scope.names("loss"));
    throw new CommandError(
      EXIT.usage,
      `there is no loss ${name}${file === undefined ? " in the standard library" : ` in ${file}`}`,
      suggestion === undefined
        ? "Name a loss of the standard library, or FILE:LOSS."
        : `Did you mean ${suggestion}?`,
    );
  }
  const overrides = settings.map((setting) => parseSetting(setting, diagnostics));
  if (diagnostics.hasErrors) throw report(diagnostics, terminal);
  const use = withArguments(written.use, overrides);
  const loss = instantiateLoss(use, scope, new Map(), diagnostics);
  const miner =
    written.miner === undefined ? undefined : instantiateMiner(written.miner, scope, new Map(), diagnostics);
  if (loss === undefined || diagnostics.hasErrors) throw report(diagnostics, terminal);
  const by = written.label?.kind === "Name" ? { by: written.label.text } : {};
  return { loss, ...by, ...(miner === undefined ? {} : { miner }) };
}

/** `FILE:LOSS on MINER`: a colon behind the first parenthesis or blank is the entry's. */
function split(argument: string): { readonly file?: string; readonly entry: string } {
  const [file, entry] = argument.split(/(?<=\.dml):(.*)/s);
  if (entry !== undefined) return { file: file!, entry };
  const colon = argument.search(/:[^:]*$/);
  const entryStarts = argument.search(/[\s(]/);
  if (colon >= 0 && (entryStarts < 0 || colon < entryStarts))
    return { file: argument.slice(0, colon), entry: argument.slice(colon + 1) };
  if (argument.endsWith(".dml"))
    throw new CommandError(EXIT.usage, `${argument} names no loss`, `Write ${argument}:LOSS.`);
  return { entry: argument };
}

/** `LOSS [by LABEL] [on MINER]` as in a model; undefined after reporting an error of its text. */
function parseEntry(
  text: string,
  diagnostics: Diagnostics,
): { readonly use: Use; readonly label?: Expression; readonly miner?: Expression } | undefined {
  // On a line of its own, so that the frame of an error shows what was given.
  const file: SourceFile = {
    path: "LOSS",
    text: `model tried {\n  losses {\n    tried:\n${text}\n  }\n}\n`,
    standard: false,
  };
  const [declaration, ...others] = parse(file, diagnostics).declarations;
  if (diagnostics.hasErrors) return undefined;
  const settings = declaration?.kind === "Model" && others.length === 0 ? declaration.settings.entries : [];
  const entries = settings.length === 1 ? (settings[0]!.block?.entries ?? []) : [];
  const entry = entries.length === 1 ? entries[0] : undefined;
  const use = entry?.value;
  if (use === undefined || (use.kind !== "Name" && use.kind !== "Call"))
    throw new CommandError(EXIT.usage, `${text} names no loss`, "Write LOSS, or LOSS on MINER.");
  if (entry?.memory !== undefined || entry?.head !== undefined)
    throw new CommandError(
      EXIT.usage,
      "a loss is tried on one batch of embeddings, without memory and without a head",
      "Write LOSS, or LOSS on MINER.",
    );
  if (entry?.label !== undefined && entry.label.kind !== "Name")
    throw new CommandError(EXIT.usage, "`by` takes the name of a label", "Write for example LOSS by coarse.");
  return {
    use,
    ...(entry?.label === undefined ? {} : { label: entry.label }),
    ...(entry?.miner === undefined ? {} : { miner: entry.miner }),
  };
}

/** The use with what `--set` adds to its arguments. */
function withArguments(use: Use, added: readonly Argument[]): Use {
  if (added.length === 0) return use;
  if (use.kind === "Call") return { ...use, arguments: [...use.arguments, ...added] };
  const callee = { kind: "Identifier", span: use.span, text: use.text } as const;
  return { kind: "Call", span: use.span, callee, arguments: added, parenthesised: true };
}

function scopeOf(file: string | undefined, host: Host, diagnostics: Diagnostics): Scope {
  if (file === undefined) return standardLibrary(host).scope;
  const module = loadProgram(host, file, diagnostics);
  if (module === undefined) throw new CommandError(EXIT.usage, `cannot read ${file}`);
  return module.scope;
}

/** `margin=0.3` as the argument `margin: 0.3`. */
function parseSetting(setting: string, diagnostics: Diagnostics): Argument {
  const equals = setting.indexOf("=");
  if (equals <= 0)
    throw new CommandError(EXIT.usage, `--set ${setting} has no value`, "Write --set name=value.");
  const written = `${setting.slice(0, equals).trim()}: ${setting.slice(equals + 1).trim()}`;
  // Any use with arguments takes a value of any kind; the line of its own keeps the frame of an error readable.
  const file: SourceFile = {
    path: "--set",
    text: `dataset settings = of(\n${written}\n)\n`,
    standard: false,
  };
  const tree = parse(file, diagnostics);
  const declaration = tree.declarations[0];
  const source = declaration?.kind === "Dataset" ? declaration.source : undefined;
  const given = source?.kind === "Call" ? source.arguments : [];
  const [argument] = given;
  const whole = tree.declarations.length === 1 && given.length === 1 && argument?.name !== undefined;
  if (diagnostics.hasErrors && argument !== undefined) return argument;
  if (!whole)
    throw new CommandError(
      EXIT.usage,
      `--set ${setting} is not name=value`,
      "The value is written as in a spec: 0.3, 28.6deg, true, cosine_distance.",
    );
  return argument;
}

/** Prints what was found; the error that ends the command. */
export function report(diagnostics: Diagnostics, terminal: Terminal): Reported {
  for (const diagnostic of diagnostics.all) terminal.err(`${renderPretty(diagnostic, terminal.errPaint)}\n`);
  return new Reported(EXIT.spec);
}
