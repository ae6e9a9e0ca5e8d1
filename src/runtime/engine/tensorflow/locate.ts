/**
 * Where the native engine is, if it is installed: a folder that `dmlc backend install` has made for each user, or the
 * one that `DMLC_BACKEND_DIR` names. Called by the loader's callers and the commands; reads that folder's manifest and
 * asks whether its files are there, loads nothing, writes nothing.
 *
 * A folder belongs to one set of versions, which is part of its name: another version of dmlc that needs other
 * versions installs its own beside it. Node's version is no part of it, since the binding is built against N-API.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defaultCacheDirectory } from "../../places.ts";

/** The versions that are installed and looked for; the wheels and packages are pinned by `src/cli/backend/pins.ts`. */
export const TENSORFLOW_VERSION = "2.21.0";
export const TFJS_VERSION = "4.22.0";
/** Counts changes of what dmlc itself puts into the folder: an older one is no longer taken. */
const LAYOUT = 1;

/** What `backend.json` of an installed folder says. */
export interface BackendManifest {
  readonly layout: number;
  readonly tensorflow: string;
  readonly tfjs: string;
  /** `process.platform` and `process.arch` that it was built for, `linux-x64`. */
  readonly platform: string;
  /** Whether it is TensorFlow's CUDA build, with CUDA's libraries beside it. */
  readonly cuda: boolean;
  /** Files that must be there, relative to the folder: the library and the binding. */
  readonly files: readonly string[];
}

export interface InstalledBackend {
  readonly directory: string;
  readonly manifest: BackendManifest;
}

/** An installed backend, or why there is none. */
export type LocatedBackend =
  | { readonly backend: InstalledBackend; readonly reason?: undefined }
  | { readonly backend?: undefined; readonly reason: string };

/** The folder's own file, written last. */
export const MANIFEST = "backend.json";

/** Where the parts lie in an installed folder. TensorFlow's CUDA build looks for CUDA at `../nvidia` of its library. */
export const LAYOUT_PATHS = {
  binding: "lib/tfjs_binding.node",
  quiet: "lib/quiet.node",
  libraries: "tensorflow",
  modules: "node_modules",
} as const;

/** The machine, as folders are named by it. */
export function machineName(platform: string = process.platform, arch: string = process.arch): string {
  return `${platform}-${arch}`;
}

/** The folder that holds the installed backends of a user, one folder each. */
export function backendsDirectory(cacheDirectory: string = defaultCacheDirectory()): string {
  return join(cacheDirectory, "backends");
}

/** The folder of this version's backend. */
export function backendDirectory(
  cuda: boolean,
  cacheDirectory: string = defaultCacheDirectory(),
  machine: string = machineName(),
): string {
  const name = `tensorflow-${TENSORFLOW_VERSION}-tfjs-${TFJS_VERSION}-${machine}${cuda ? "-cuda" : ""}-${LAYOUT}`;
  return join(backendsDirectory(cacheDirectory), name);
}

/** The manifest of what is installed now, for this machine. */
export function currentManifest(cuda: boolean, files: readonly string[]): BackendManifest {
  return {
    layout: LAYOUT,
    tensorflow: TENSORFLOW_VERSION,
    tfjs: TFJS_VERSION,
    platform: machineName(),
    cuda,
    files,
  };
}

/**
 * The installed backend: the folder in `DMLC_BACKEND_DIR` if that is set, and no other; else the user's, the one with
 * CUDA before the one without.
 */
export function locateTensorflow(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): LocatedBackend {
  const given = environment["DMLC_BACKEND_DIR"];
  if (given) return readBackend(given, `DMLC_BACKEND_DIR is ${given}: `);
  const cache = defaultCacheDirectory(environment);
  const found = [true, false].map((cuda) => readBackend(backendDirectory(cuda, cache), ""));
  return (
    found.find(({ backend }) => backend !== undefined) ??
    found.find(({ reason }) => reason !== NOT_INSTALLED) ?? { reason: NOT_INSTALLED }
  );
}

const NOT_INSTALLED = "not installed";

/** The backend in a folder, or why it cannot be taken; reasons begin with `prefix`. */
export function readBackend(directory: string, prefix = ""): LocatedBackend {
  const path = join(directory, MANIFEST);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (!existsSync(path)) {
      return { reason: prefix === "" ? NOT_INSTALLED : `${prefix}there is no ${MANIFEST} in that folder` };
    }
    return { reason: `${prefix}${path} cannot be read: ${(error as Error).message}` };
  }
  const manifest = parseManifest(text);
  if (manifest === undefined) return { reason: `${prefix}${path} is damaged` };
  const wrong = whyNot(manifest);
  if (wrong !== undefined) return { reason: `${prefix}${wrong}` };
  const missing = manifest.files.find((file) => !existsSync(join(directory, file)));
  if (missing !== undefined) return { reason: `${prefix}${join(directory, missing)} is missing` };
  return { backend: { directory, manifest } };
}

function whyNot(manifest: BackendManifest): string | undefined {
  if (manifest.platform !== machineName()) return `it is for ${manifest.platform}, not for ${machineName()}`;
  const { layout, tensorflow, tfjs } = manifest;
  if (layout !== LAYOUT || tensorflow !== TENSORFLOW_VERSION || tfjs !== TFJS_VERSION) {
    return `it was installed by another version of dmlc (TensorFlow ${tensorflow}, tfjs ${tfjs}, layout ${layout})`;
  }
  return undefined;
}

function parseManifest(text: string): BackendManifest | undefined {
  let value: Partial<Record<keyof BackendManifest, unknown>> | null;
  try {
    value = JSON.parse(text) as typeof value;
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { layout, tensorflow, tfjs, platform, cuda, files } = value;
  const complete =
    typeof layout === "number" &&
    typeof tensorflow === "string" &&
    typeof tfjs === "string" &&
    typeof platform === "string" &&
    typeof cuda === "boolean" &&
    Array.isArray(files) &&
    files.every((file) => typeof file === "string");
  return complete ? (value as BackendManifest) : undefined;
}
