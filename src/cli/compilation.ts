/**
 * From a spec on disk to the text of its program: what `dmlc compile` and `dmlc run` share. Prints the diagnostics it
 * finds and ends the command if one is an error.
 */
import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { dirname, relative, resolve, sep } from "node:path";
import { checkFile, emitModel } from "../compile.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { renderPretty, summary } from "../diagnostics/render/pretty.ts";
import type { EmitOptions } from "../emit/typescript/program.ts";
import type { ModelPlan } from "../plan/plan.ts";
import type { Module } from "../resolve/modules.ts";
import { systemCode } from "../runtime/data/errors.ts";
import { writeFileAtomic } from "../runtime/report/atomic_write.ts";
import { inOrder } from "./commands/check.ts";
import { CommandError, EXIT, Reported } from "./exit.ts";
import { nodeHost } from "./host.ts";
import { ownPackage } from "./package.ts";
import type { Terminal } from "./terminal.ts";

export interface CheckedSpec {
  readonly module: Module;
  readonly models: readonly ModelPlan[];
}

/** Checks a spec; prints what it finds to stderr, and ends the command if there is an error. */
export function checkedSpec(file: string, terminal: Terminal): CheckedSpec {
  const checked = checkFile(nodeHost(file), file);
  if (checked === undefined) throw new CommandError(EXIT.usage, `cannot read ${file}`);
  report(checked.diagnostics, terminal);
  return checked;
}

/** The model to compile: the only one, or the one named. */
export function chosenModel(spec: CheckedSpec, file: string, name: string | undefined): ModelPlan {
  const names = spec.models.map((model) => model.name);
  const chosen = name === undefined ? spec.models : spec.models.filter((model) => model.name === name);
  const [model, ...others] = chosen;
  if (names.length === 0)
    throw new CommandError(EXIT.spec, `${file} declares no model`, "A model is `model NAME { data: … }`.");
  if (model === undefined)
    throw new CommandError(EXIT.usage, `${file} has no model \`${name}\``, `It has ${names.join(", ")}.`);
  if (others.length > 0)
    throw new CommandError(
      EXIT.usage,
      `${file} has several models`,
      `Choose with --model: ${names.join(", ")}.`,
    );
  return model;
}

/** The program's text, for a program that will stand in `folder`. */
export async function programText(
  spec: CheckedSpec,
  model: ModelPlan,
  file: string,
  folder: string,
  terminal: Terminal,
  options: EmitOptions = {},
): Promise<string> {
  const identity = {
    specFile: relative(resolve(folder), resolve(file)).split(sep).join("/"),
    specHash: specHash(spec.module),
    compiler: `dmlc ${ownPackage().json.version}`,
  };
  const emitted = await emitModel(model, identity, options);
  if ("diagnostics" in emitted) {
    report(emitted.diagnostics, terminal);
    throw new Reported(EXIT.spec);
  }
  return emitted.text;
}

/** Writes a program as TypeScript and, beside it, without its types; answers the path of the latter. */
export async function writeProgram(path: string, text: string): Promise<string> {
  const script = path.replace(/\.ts$/, ".js");
  // Loaded when it is needed, as the emitter is: it brings the TypeScript compiler.
  const { eraseTypes } = await import("../emit/typescript/erase.ts");
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, text);
    await writeFileAtomic(script, eraseTypes(text));
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    throw new CommandError(
      EXIT.usage,
      `cannot write to ${dirname(path)}: ${(error as Error).message}`,
      "Choose another place.",
    );
  }
  return script;
}

function report(diagnostics: readonly Diagnostic[], terminal: Terminal): void {
  for (const diagnostic of inOrder(diagnostics))
    terminal.err(`${renderPretty(diagnostic, terminal.errPaint)}\n`);
  if (!diagnostics.some((diagnostic) => diagnostic.severity === "error")) return;
  terminal.err(`${summary([...diagnostics])}\n`);
  throw new Reported(EXIT.spec);
}

/** SHA-256 of the texts of the spec and of everything it imports, each once, in the order of the imports. */
export function specHash(module: Module): string {
  const hash = createHash("sha256");
  const seen = new Set<Module>();
  const add = (each: Module): void => {
    if (seen.has(each)) return;
    seen.add(each);
    hash.update(`${each.source.text.length}:${each.source.text}`);
    each.imports.forEach(add);
  };
  add(module);
  return hash.digest("hex");
}

/** `icons.dml` -> `icons.ts`, beside it. */
export function programPath(file: string): string {
  const base = file.replace(/\.dml$/i, "");
  return resolve(dirname(file), `${base.split(/[\\/]/).pop()!}.ts`);
}
