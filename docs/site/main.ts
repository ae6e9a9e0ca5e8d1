/** `npm run docs`: builds the site in `site/`, or in the folder that is named. */
import { join, resolve } from "node:path";
import { ownPackage } from "../../src/cli/package.ts";
import { buildSite } from "./build.ts";

const out = resolve(process.argv[2] ?? join(ownPackage().root, "site"));
const pages = await buildSite(out);
process.stdout.write(`${pages.length} pages in ${out}; open ${join(out, "index.html")}\n`);
