/**
 * `folder(path)`: images on disk, one directory a class. Called by emitted programs. Reads the named folder only: paths
 * are relative to the spec, and whatever leads out of the project root, symbolic links included, is refused unless the
 * user allows it.
 *
 * Layout: `path/CLASS/IMAGE`. Hidden entries, folders within a class, images outside a class and files that are no
 * images by their extension are left out and counted.
 */
import { lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import type { Dirent } from "node:fs";
import { basename, extname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { DataError, systemCode } from "./errors.ts";
import { readImages } from "./folder_images.ts";
import type { ImageEntry } from "./folder_images.ts";
import type { DataSource, LoadContext } from "./types.ts";

export interface FolderSettings {
  /** Height, width and channels (1 gray, 3 RGB) that every image is brought to. */
  readonly image: readonly [number, number, number];
  /** Whether an image that cannot be decoded is an error; otherwise it is left out and noted. Default false. */
  readonly strict?: boolean;
}

const IMAGE_EXTENSIONS: ReadonlySet<string> = new Set([
  ".png",
  ".jpg",
  ".jpeg",
  ".webp",
  ".gif",
  ".avif",
  ".tif",
  ".tiff",
  ".svg",
]);

/**
 * The images below `path`. Each is turned as its EXIF data say, scaled to cover H x W and cropped about its centre, put
 * on white where it is transparent, and made gray or RGB. Samples are in the order of their names. Where all of them
 * together are more than `context.imageMemory`, they are decoded when they are needed.
 *
 * `load` throws `DataError` if the folder is missing, outside the project, or holds fewer than two classes with images.
 */
export function folder(path: string, settings: FolderSettings): DataSource {
  const [height, width, channels] = settings.image;
  const strict = settings.strict ?? false;
  const shape = `${channels === 1 ? "gray" : "rgb"}(${width}x${height})`;
  const description = `folder(${JSON.stringify(path)}${strict ? ", strict: true" : ""}) { image: ${shape} }`;
  return {
    description,
    load: async (context) => {
      requireImageSize(settings.image);
      const root = findRoot(path, context);
      const { entries, notes } = listImages(root, path, context);
      return readImages(basename(root), entries, notes, settings.image, strict, context);
    },
  };
}

function requireImageSize([height, width, channels]: readonly [number, number, number]): void {
  const sides = [height, width].every((side) => Number.isInteger(side) && side >= 1 && side <= 4096);
  if (sides && (channels === 1 || channels === 3)) return;
  throw new DataError(
    `folder: cannot make images of ${height} x ${width} x ${channels}`,
    "Sides are whole numbers from 1 to 4096; channels are 1 (gray) or 3 (rgb). Write e.g. image: rgb(64x64).",
  );
}

/** The folder's path, checked to be a directory that the spec may read. */
function findRoot(path: string, context: LoadContext): string {
  if (isAbsolute(path) && !context.allowOutside) throw refused(path, "is absolute");
  const root = resolve(context.specDirectory, path);
  let directory: boolean;
  try {
    directory = statSync(root).isDirectory();
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw unreadable(path, error);
    throw new DataError(
      `folder ${JSON.stringify(path)} does not exist`,
      `Data paths are relative to the spec file: this one means ${root}.`,
    );
  }
  if (!directory) {
    throw new DataError(
      `${JSON.stringify(path)} is not a folder`,
      "Name the folder that holds one directory for each class.",
    );
  }
  if (leavesProject(root, context)) throw refused(path, "leads out of the project");
  return root;
}

/** Whether a path, its symbolic links followed, lies outside the project root and that is not allowed. */
function leavesProject(path: string, context: LoadContext): boolean {
  if (context.allowOutside) return false;
  const inside = relative(realpathSync(context.projectRoot), realpathSync(path));
  return inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside);
}

function refused(path: string, why: string): DataError {
  return new DataError(
    `data path ${JSON.stringify(path)} ${why}`,
    "Keep the data in the project and give its path relative to the spec, or run with --allow-outside.",
  );
}

function unreadable(path: string, error: unknown): DataError {
  return new DataError(
    `cannot read ${JSON.stringify(path)}: ${error instanceof Error ? error.message : String(error)}`,
    "Check the permissions of the data folder.",
    { cause: error },
  );
}

/** All images of all classes in the order of their names, and notes on what was passed over. */
function listImages(
  root: string,
  path: string,
  context: LoadContext,
): { entries: ImageEntry[]; notes: string[] } {
  const entries: ImageEntry[] = [];
  let loose = 0;
  let nested = 0;
  let other = 0;
  for (const classEntry of visible(root, path)) {
    const classPath = join(root, classEntry.name);
    if (kindOf(classPath, classEntry, `${path}/${classEntry.name}`, context) !== "directory") {
      loose++;
      continue;
    }
    const className = classEntry.name.normalize("NFC");
    for (const entry of visible(classPath, `${path}/${classEntry.name}`)) {
      const name = `${classEntry.name}/${entry.name}`;
      const file = join(classPath, entry.name);
      const kind = kindOf(file, entry, `${path}/${name}`, context);
      if (kind === "directory") nested++;
      else if (kind === "file" && IMAGE_EXTENSIONS.has(extname(entry.name).toLowerCase())) {
        entries.push({ className, name, file });
      } else other++;
    }
  }
  const notes: string[] = [];
  const note = (count: number, one: string, many: string): void => {
    if (count > 0) notes.push(`${count} ${count === 1 ? one : many} left out`);
  };
  note(loose, "file outside a class directory", "files outside a class directory");
  note(nested, "folder within a class", "folders within a class");
  note(other, "file that is no image", "files that are no images");
  if (entries.length === 0) {
    throw new DataError(
      `folder ${JSON.stringify(path)} holds no images`,
      `Put the images into one directory for each class, e.g. ${path}/cat/1.jpg. ` +
        `Known extensions: ${[...IMAGE_EXTENSIONS].join(" ")}.`,
    );
  }
  return { entries, notes };
}

/** Directory entries but hidden ones, in the order of their names. */
function visible(directory: string, shown: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => !entry.name.startsWith("."))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw unreadable(shown, error);
  }
}

/** What an entry is, its symbolic link followed; a link out of the project is refused, a dangling one is `other`. */
function kindOf(
  path: string,
  entry: Dirent,
  shown: string,
  context: LoadContext,
): "directory" | "file" | "other" {
  try {
    if (entry.isSymbolicLink() && leavesProject(path, context)) {
      throw refused(shown, "is a symbolic link that leads out of the project");
    }
    const status = entry.isSymbolicLink() ? statSync(path) : lstatSync(path);
    return status.isDirectory() ? "directory" : status.isFile() ? "file" : "other";
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ELOOP") return "other";
    throw error;
  }
}
