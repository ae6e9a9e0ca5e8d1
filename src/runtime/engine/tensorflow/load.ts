/**
 * Loads tfjs-node's kernels and native binding from an installed backend into this process. Called by the engine's
 * start and by the self-test; makes no backend and starts nothing.
 *
 * tfjs-node asks for `@tensorflow/tfjs`, the union of all of tfjs with an engine of its own, and in one kernel for
 * `@tensorflow/tfjs-core`. The installed folder has in their places modules that hand on what lies under `SHARED`, and
 * that is dmlc's own tfjs-core: one engine, one registry of kernels, and nothing loaded that is not used.
 */
import { createRequire } from "node:module";
import { constants } from "node:os";
import { join } from "node:path";
import util from "node:util";
import type * as tf from "@tensorflow/tfjs-core";
import { EngineError } from "../errors.ts";
import type { Binding, NodeBackend } from "./binding.ts";
import { LAYOUT_PATHS, TFJS_VERSION } from "./locate.ts";
import type { InstalledBackend } from "./locate.ts";

/** The key under which the installed folder's `@tensorflow/tfjs` finds tfjs-core: `Symbol.for` of it, of `globalThis`. */
export const SHARED = "dmlc.tfjs-core";

export interface TensorflowModules {
  readonly binding: Binding;
  /** tfjs-node's backend class; `packageName` is only shown in its errors. */
  readonly NodeJSKernelBackend: new (binding: Binding, packageName: string) => NodeBackend;
}

/**
 * Loads the binding and registers the kernels of the `tensorflow` backend with tfjs-core. Loading the same backend
 * again answers the same modules. TensorFlow's own log is off below errors unless `TF_CPP_MIN_LOG_LEVEL` says
 * otherwise.
 *
 * @throws EngineError if a file cannot be loaded, with the reason the system gave.
 */
export function loadTensorflow({ directory }: InstalledBackend): TensorflowModules {
  const own = createRequire(import.meta.url);
  const core = own("@tensorflow/tfjs-core") as typeof tf;
  if (core.version_core !== TFJS_VERSION) {
    throw new EngineError(
      `the tensorflow engine is built for tfjs ${TFJS_VERSION}, and tfjs-core here is ${core.version_core}`,
    );
  }
  Object.defineProperty(globalThis, Symbol.for(SHARED), { value: core, configurable: true });
  restoreNodeUtilities();
  process.env["TF_CPP_MIN_LOG_LEVEL"] ??= "2";
  const installed = createRequire(join(directory, LAYOUT_PATHS.modules, "x.js"));
  try {
    // Global, so that TensorFlow's libraries find the log level there, which they ask for while they are loaded.
    const global = constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL;
    process.dlopen({ exports: {} }, join(directory, LAYOUT_PATHS.quiet), global);
    const binding = installed(join(directory, LAYOUT_PATHS.binding)) as Binding;
    installed("@tensorflow/tfjs-node-gpu/dist/register_all_kernels.js");
    const { NodeJSKernelBackend } = installed(
      "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js",
    ) as Pick<TensorflowModules, "NodeJSKernelBackend">;
    return { binding, NodeJSKernelBackend };
  } catch (error) {
    const said = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new EngineError(
      `the tensorflow engine at ${directory} cannot be loaded: ${said}\n` +
        "`dmlc backend check` says more; `dmlc backend remove` and `dmlc backend install tensorflow` make it anew.",
      { cause: error },
    );
  }
}

/** tfjs-node 4.22 calls what Node 23 took away. */
function restoreNodeUtilities(): void {
  const node = util as { isNullOrUndefined?: (value: unknown) => boolean };
  node.isNullOrUndefined ??= (value) => value === null || value === undefined;
}
