/**
 * The compiler's world on a disk: texts of files, imports inside the project root, the standard library of this
 * package. Made for one spec by each command.
 */
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { findProjectRoot } from "../runtime/places.ts";
import type { Host } from "../resolve/host.ts";
import type { SourceFile } from "../source/source.ts";
import { ownPackage } from "./package.ts";

let library: readonly SourceFile[] | undefined;

/** The `.dml` files of the standard library, in order of their paths, read once. */
function standardLibrary(): readonly SourceFile[] {
  if (library !== undefined) return library;
  const folder = join(ownPackage().root, "stdlib");
  library = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => path.split(sep).join("/"))
    .filter((path) => path.endsWith(".dml"))
    .sort()
    .map((path) => ({
      path: `stdlib/${path}`,
      text: readFileSync(join(folder, path), "utf8"),
      standard: true,
    }));
  return library;
}

/** The host for the spec at a path: imports may name `.dml` files below its project root. */
export function nodeHost(specPath: string): Host {
  const root = real(findProjectRoot(dirname(resolve(specPath))));
  return {
    read: (path) => {
      try {
        return readFileSync(path, "utf8");
      } catch {
        return undefined;
      }
    },
    resolve: (fromFile, specifier) => {
      if (isAbsolute(specifier)) return { refused: "is an absolute path" };
      if (!specifier.endsWith(".dml")) return { refused: "does not name a .dml file" };
      const path = join(dirname(fromFile), specifier);
      return isWithin(root, path) ? path : { refused: "leaves the project" };
    },
    isStandard: (path) => isWithin(real(join(ownPackage().root, "stdlib")), path),
    standardLibrary,
  };
}

/** Whether a path leads into a folder, links followed; the folder's own are. */
function isWithin(folder: string, path: string): boolean {
  const inside = relative(folder, real(path));
  return inside !== "" && !inside.startsWith("..") && !isAbsolute(inside);
}

/** The path with links followed as far as it exists. */
function real(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch {
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(real(parent), relative(parent, absolute));
  }
}
