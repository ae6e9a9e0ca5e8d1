/** Programs for benchmarks: a spec's text to the program that the built compiler emits for it, imported into this process. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeHost } from "../dist/src/cli/host.js";
import { importProgram } from "../dist/src/cli/provide_runtime.js";
import { checkText, emitModel } from "../dist/src/compile.js";
import { eraseTypes } from "../dist/src/emit/typescript/erase.js";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * The plan of a spec's first model. Throws what was found if that is an error.
 * @param {string} text
 * @param {string} path where the spec lies, from the project's root: its imports are looked up from there
 */
export function planOf(text, path = "spec.dml") {
  const checked = checkText(nodeHost(join(root, path)), { path, text, standard: false });
  const errors = checked.diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"));
  return checked.models[0];
}

/**
 * The program of a spec's first model.
 * @param {string} text
 * @param {{ path?: string, stacked?: boolean }} options `path` as for `planOf`; heads of one shape together or not
 */
export async function programOf(text, { path = "spec.dml", stacked = false } = {}) {
  const identity = { specFile: path, specHash: "", compiler: "dmlc" };
  const emitted = await emitModel(planOf(text, path), identity, { stacked });
  if (!("text" in emitted)) throw new Error(emitted.diagnostics.map(({ message }) => message).join("\n"));
  const folder = mkdtempSync(join(tmpdir(), "dmlc-bench-"));
  try {
    const program = join(folder, "program.js");
    writeFileSync(program, eraseTypes(emitted.text));
    return await importProgram(program);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
