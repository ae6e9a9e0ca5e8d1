/**
 * `folder(path)`: images on disk, one directory a class. Called by emitted programs. Reads the named folder only: paths
 * are relative to the spec, and whatever leads out of the project root, symbolic links included, is refused unless the
 * user allows it.
 *
 * Layout: `path/CLASS/IMAGE`; with several labels a folder for each, `path/COARSE/FINE/IMAGE`. Hidden entries, folders within a class, images outside a class and files that are no
 * images by their extension are left out and counted.
 */
import { lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import type { Dirent } from "node:fs";
import { basename, extname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { DataError, systemCode } from "./errors.ts";
import { readImages } from "./folder_images.ts";
import type { ImageEntry } from "./folder_images.ts";
import { furtherLabel } from "./further_labels.ts";
import type { Dataset, DataSource, FurtherLabel, LoadContext } from "./types.ts";

export interface FolderSettings {
  /** Height, width and channels (1 gray, 3 RGB) that every image is brought to. */
  readonly image: readonly [number, number, number];
  /** Whether an image that cannot be decoded is an error; otherwise it is left out and noted. Default false. */
  readonly strict?: boolean;
  /** Names of the labels, one for each level of folders, the class last; the class alone where absent. */
  readonly labels?: readonly string[];
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
 * on white where it is transparent, and made gray or RGB. Samples are in the order of their names. With several labels a
 * class is a folder at the last level, named by its path, and each folder on the way is a class of its level's label. Where
 * all of them together are more than `context.imageMemory`, they are decoded when they are needed.
 *
 * `load` throws `DataError` if the folder is missing, outside the project, or holds fewer than two classes with images.
 */
export function folder(path: string, settings: FolderSettings): DataSource {
  const [height, width, channels] = settings.image;
  const strict = settings.strict ?? false;
  const shape = `${channels === 1 ? "gray" : "rgb"}(${width}x${height})`;
  const { labels = [] } = settings;
  const named = labels.length === 0 ? "" : `, labels: [${labels.join(", ")}]`;
  const description = `folder(${JSON.stringify(path)}${strict ? ", strict: true" : ""}) { image: ${shape}${named} }`;
  return {
    description,
    load: async (context) => {
      requireImageSize(settings.image);
      const root = findRoot(path, context);
      const { entries, notes } = listImages(root, path, Math.max(1, labels.length), context);
      const dataset = await readImages(basename(root), entries, notes, settings.image, strict, context);
      return labels.length < 2 ? dataset : { ...dataset, further: levels(dataset, labels) };
    },
  };
}

/** The labels above the class: the folders that a class's path begins with. */
function levels({ classNames, labels }: Dataset, names: readonly string[]): FurtherLabel[] {
  const above = (className: string, level: number): string =>
    className
      .split("/")
      .slice(0, level + 1)
      .join("/");
  return names.slice(0, -1).map((name, level) =>
    furtherLabel(
      name,
      Array.from(labels, (label) => above(classNames[label]!, level)),
    ),
  );
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
  depth: number,
  context: LoadContext,
): { entries: ImageEntry[]; notes: string[] } {
  const entries: ImageEntry[] = [];
  let loose = 0;
  let nested = 0;
  let other = 0;
  /** What lies below some folders: further folders down to `depth`, the images of a class there. */
  const list = (folders: readonly string[]): void => {
    const inside = join(root, ...folders);
    for (const entry of visible(inside, [path, ...folders].join("/"))) {
      const name = [...folders, entry.name].join("/");
      const file = join(inside, entry.name);
      const kind = kindOf(file, entry, `${path}/${name}`, context);
      if (folders.length < depth) {
        if (kind === "directory") list([...folders, entry.name]);
        else loose++;
      } else if (kind === "directory") nested++;
      else if (kind === "file" && IMAGE_EXTENSIONS.has(extname(entry.name).toLowerCase())) {
        entries.push({ className: folders.join("/").normalize("NFC"), name, file });
      } else other++;
    }
  };
  list([]);
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
      `Put the images into one directory for each class, e.g. ${path}/${["cat", "animals/cat"][depth - 1] ?? "a/b/c"}/1.jpg. ` +
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
