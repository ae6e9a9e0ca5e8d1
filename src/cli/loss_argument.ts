/**
 * `LOSS` or `FILE:LOSS` and `--set name=value` on a command line: the loss with its parameters bound by the same law as
 * in a spec. Used by `dmlc try`.
 */
import { renderPretty } from "../diagnostics/render/pretty.ts";
import { Diagnostics } from "../diagnostics/diagnostic.ts";
import { closest } from "../diagnostics/did_you_mean.ts";
import { instantiateDeclared } from "../resolve/bind.ts";
import type { Host } from "../resolve/host.ts";
import { loadProgram, standardLibrary } from "../resolve/modules.ts";
import type { Scope } from "../resolve/scope.ts";
import type { LossInstance } from "../resolve/values.ts";
import type { SourceFile } from "../source/source.ts";
import type { Argument } from "../syntax/ast.ts";
import { parse } from "../syntax/parse.ts";
import { CommandError, EXIT, Reported } from "./exit.ts";
import { nodeHost } from "./host.ts";
import type { Terminal } from "./terminal.ts";

/**
 * The loss that a command line means. Ends the command with exit code 1 if the file or a setting has errors, 2 if there
 * is no such file or loss.
 */
export function lossArgument(
  argument: string,
  settings: readonly string[],
  terminal: Terminal,
): LossInstance {
  const { file, name } = split(argument);
  const diagnostics = new Diagnostics();
  const scope = scopeOf(file, nodeHost(file ?? "."), diagnostics);
  if (diagnostics.hasErrors) throw report(diagnostics, terminal);
  const resolved = scope.lookup("loss", name);
  if (resolved === undefined) {
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
  const instance = diagnostics.hasErrors
    ? undefined
    : instantiateDeclared(resolved.declaration, resolved.scope, overrides, scope, diagnostics);
  if (instance === undefined) throw report(diagnostics, terminal);
  return instance;
}

function split(argument: string): { readonly file?: string; readonly name: string } {
  const colon = argument.lastIndexOf(":");
  if (colon >= 0) return { file: argument.slice(0, colon), name: argument.slice(colon + 1) };
  if (argument.endsWith(".dml"))
    throw new CommandError(EXIT.usage, `${argument} names no loss`, `Write ${argument}:LOSS.`);
  return { name: argument };
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
