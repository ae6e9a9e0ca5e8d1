/**
 * What the compiler asks of the world: texts of files, and what an import means. The command line answers from a disk,
 * tests and a browser from memory. Interface only; the core never touches a disk itself.
 */
import type { SourceFile } from "../source/source.ts";

export interface Host {
  /** The text of a file, or `undefined` where there is none. */
  read(path: string): string | undefined;
  /**
   * The path that an import's text means, seen from a file; or why it may not be read (it leaves the project root,
   * or is no `.dml` file), as the end of a sentence that begins "it".
   */
  resolve(fromFile: string, specifier: string): string | { readonly refused: string };
  /** Whether a path is of the standard library itself, which alone may declare primitives; none is where absent. */
  isStandard?(path: string): boolean;
  /** The files of the standard library: the same array at every call, so that it is parsed once. */
  standardLibrary(): readonly SourceFile[];
}

/** A host over texts in memory; imports are names relative to the importing file's folder. For tests and a browser. */
export function memoryHost(
  files: Readonly<Record<string, string>>,
  standardLibrary: readonly SourceFile[],
): Host {
  return {
    read: (path) => (Object.hasOwn(files, path) ? files[path] : undefined),
    resolve: (fromFile, specifier) => {
      if (!specifier.endsWith(".dml")) return { refused: "does not name a .dml file" };
      const folder = fromFile.split("/").slice(0, -1);
      for (const part of specifier.split("/")) {
        if (part === "." || part === "") continue;
        if (part !== "..") folder.push(part);
        else if (folder.pop() === undefined) return { refused: "leaves the project" };
      }
      return folder.join("/");
    },
    standardLibrary: () => standardLibrary,
  };
}
