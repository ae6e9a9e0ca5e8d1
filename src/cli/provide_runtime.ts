/**
 * Imports emitted programs into this process, wherever they lie: `dmlc/runtime` means this package's runtime, so that a
 * program in a folder without `node_modules` runs too and shares the one tfjs of this process.
 */
import * as nodeModule from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Program } from "../runtime/program.ts";

const RUNTIME = "dmlc/runtime";

type Next = (specifier: string, context: unknown) => unknown;
interface Hooks {
  resolve(specifier: string, context: unknown, next: Next): unknown;
}
/** Synchronous hooks: Node 22.15 and later; before that `register` loads hooks in a thread of their own. */
interface HookingModule {
  registerHooks?: (hooks: Hooks) => void;
  register: (specifier: string) => void;
}

let provided = false;

/** Marks the address of a program, so that it is an ES module whatever the package.json above it says. */
const PROGRAM = "?dmlc-program";

/** The default export of the program at a path. */
export async function importProgram(path: string): Promise<Program> {
  provideRuntime();
  const program = (await import(`${pathToFileURL(resolve(path)).href}${PROGRAM}`)) as { default: Program };
  return program.default;
}

/** Does its work once. */
function provideRuntime(): void {
  if (provided) return;
  provided = true;
  const url = new URL("../runtime/index.js", import.meta.url).href;
  const { registerHooks, register } = nodeModule as unknown as HookingModule;
  if (registerHooks !== undefined) {
    registerHooks({
      resolve: (specifier, context, next) => {
        if (specifier === RUNTIME) return { url, shortCircuit: true };
        if (specifier.endsWith(PROGRAM)) return { url: specifier, format: "module", shortCircuit: true };
        return next(specifier, context);
      },
    });
    return;
  }
  const source = `export const resolve = (specifier, context, next) => {
    if (specifier === ${JSON.stringify(RUNTIME)}) return { url: ${JSON.stringify(url)}, shortCircuit: true };
    if (specifier.endsWith(${JSON.stringify(PROGRAM)})) return { url: specifier, format: "module", shortCircuit: true };
    return next(specifier, context);
  };`;
  register(`data:text/javascript,${encodeURIComponent(source)}`);
}
