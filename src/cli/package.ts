/**
 * The package that this command line belongs to: its folder and version, the same for a checkout and an installed
 * package, for source and build. Reads package.json once.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

let found: { readonly root: string; readonly json: PackageJson } | undefined;

/** The package's folder and its package.json. */
export function ownPackage(): { readonly root: string; readonly json: PackageJson } {
  if (found !== undefined) return found;
  for (let root = dirname(fileURLToPath(import.meta.url)); ; root = dirname(root)) {
    const path = join(root, "package.json");
    if (existsSync(path)) {
      const json = JSON.parse(readFileSync(path, "utf8")) as PackageJson;
      if (json.name === "dmlc") return (found = { root, json });
    }
    if (dirname(root) === root) throw new Error("dmlc's own package.json is missing");
  }
}

/** The package.json that makes node take a script for CommonJS, if there is one. */
export function commonjsPackage(script: string): string | undefined {
  for (let folder = dirname(resolve(script)); ; folder = dirname(folder)) {
    const path = join(folder, "package.json");
    if (existsSync(path)) return typeOf(path) === "commonjs" ? path : undefined;
    if (dirname(folder) === folder) return undefined;
  }
}

function typeOf(path: string): unknown {
  try {
    return (JSON.parse(readFileSync(path, "utf8")) as { type?: unknown } | null)?.type;
  } catch {
    return undefined;
  }
}
