/**
 * Which engines there are on this machine, for `dmlc backend list` and `dmlc info`. Looks at the disk, loads no engine.
 */
import { locateTensorflow } from "../../runtime/engine/tensorflow/locate.ts";
import { dawnFolder } from "../../runtime/engine/webgpu/install.ts";
import { locateWebgpu } from "../../runtime/engine/webgpu/locate.ts";
import { ownPackage } from "../package.ts";

export interface EngineRow {
  readonly engine: "tensorflow" | "webgpu" | "wasm";
  readonly available: boolean;
  /** What it is made of. */
  readonly versions: Readonly<Record<string, string>>;
  readonly directory?: string;
  /** TensorFlow's CUDA build. */
  readonly cuda?: boolean;
  /** Why it is not there, and what to do. */
  readonly reason?: string;
  readonly help?: string;
}

/** The engines in the order in which `auto` tries them. */
export function engineRows(): EngineRow[] {
  return [tensorflowRow(), webgpuRow(), wasmRow()];
}

function tensorflowRow(): EngineRow {
  const engine = "tensorflow";
  const { backend, reason } = locateTensorflow();
  if (backend === undefined) {
    const help =
      process.platform === "win32" ? "it is for Linux and macOS: use WSL" : "dmlc backend install tensorflow";
    return { engine, available: false, versions: {}, reason, help };
  }
  const { directory, manifest } = backend;
  const versions = { tensorflow: manifest.tensorflow, tfjs: manifest.tfjs };
  return { engine, available: true, versions, directory, cuda: manifest.cuda };
}

function webgpuRow(): EngineRow {
  const engine = "webgpu";
  const files = locateWebgpu();
  if (files !== undefined) {
    const versions = { dawn: files.dawnVersion, tfjs: files.backendVersion };
    return { engine, available: true, versions, directory: files.where };
  }
  return dawnFolder() === undefined
    ? { engine, available: false, versions: {}, reason: "there is no build for this platform" }
    : {
        engine,
        available: false,
        versions: {},
        reason: "not installed",
        help: "dmlc backend install webgpu",
      };
}

function wasmRow(): EngineRow {
  const tfjs = ownPackage().json.dependencies["@tensorflow/tfjs-backend-wasm"] ?? "?";
  return { engine: "wasm", available: true, versions: { tfjs } };
}
