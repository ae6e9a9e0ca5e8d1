/** Text as HTML, and addresses within the site. Used by all files of this folder. Pure. */
import { posix } from "node:path";

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** How a page at one path of the site refers to another path of it; a `#heading` stays. */
export function between(from: string, to: string): string {
  const [path, heading] = to.split("#") as [string, string | undefined];
  const relative = posix.relative(posix.dirname(from), path) || posix.basename(path);
  return heading === undefined ? relative : `${relative}#${heading}`;
}

/** The anchor of a heading, as GitHub makes it. */
export function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_\- ]/gu, "")
    .replaceAll(" ", "-");
}
