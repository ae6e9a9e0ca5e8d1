/** Programs emitted from the specs of `specs/` and of `examples/`, for the tests of emission. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkFile, emitModel } from "../../src/compile.ts";
import { host } from "../check/harness.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
export const root = join(here, "..", "..");

/** Path of each spec with a golden program, by the program's name. */
export const specs: ReadonlyMap<string, string> = new Map([
  ["icons", join(root, "examples", "icons.dml")],
  ...readdirSync(join(here, "specs"))
    .sort()
    .map((file) => [file.replace(/\.dml$/, ""), join(here, "specs", file)] as const),
]);

/** The program of a spec's only model. Throws what was found if anything was. */
export async function emit(name: string): Promise<string> {
  const file = `${name}.dml`;
  const text = readFileSync(specs.get(name)!, "utf8");
  const { diagnostics, models } = checkFile(host({ [file]: text }), file)!;
  if (diagnostics.length > 0 || models.length !== 1)
    throw new Error(`${file}: ${JSON.stringify(diagnostics.map(({ code, message }) => [code, message]))}`);
  const identity = { specFile: file, specHash: "0123456789abcdef".repeat(4), compiler: "dmlc 0.0.0" };
  const emitted = await emitModel(models[0]!, identity);
  if ("text" in emitted) return emitted.text;
  throw new Error(`${file}: ${JSON.stringify(emitted.diagnostics)}`);
}
