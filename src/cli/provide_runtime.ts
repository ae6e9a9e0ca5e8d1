/**
 * Makes `dmlc/runtime` mean this package's runtime for programs imported by this process, wherever they lie: a program
 * in a folder without `node_modules` runs too, and shares the one tfjs of this process.
 */
import * as nodeModule from "node:module";

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

/** Call before importing a program. Does its work once. */
export function provideRuntime(): void {
  if (provided) return;
  provided = true;
  const url = new URL("../runtime/index.js", import.meta.url).href;
  const { registerHooks, register } = nodeModule as unknown as HookingModule;
  if (registerHooks !== undefined) {
    registerHooks({
      resolve: (specifier, context, next) =>
        specifier === RUNTIME ? { url, shortCircuit: true } : next(specifier, context),
    });
    return;
  }
  const source =
    `export const resolve = (specifier, context, next) => specifier === ${JSON.stringify(RUNTIME)} ` +
    `? { url: ${JSON.stringify(url)}, shortCircuit: true } : next(specifier, context);`;
  register(`data:text/javascript,${encodeURIComponent(source)}`);
}
