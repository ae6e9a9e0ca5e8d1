/** The pages of diagnostics as files of this package, the same for a checkout and an installed package. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { PageSource } from "../diagnostics/explain/page.ts";
import { ownPackage } from "./package.ts";

export const packagePages: PageSource = {
  page: (code) => {
    if (!/^DML\d{4}$/.test(code)) return undefined;
    const path = join(ownPackage().root, "src", "diagnostics", "explain", `${code}.md`);
    return existsSync(path) ? readFileSync(path, "utf8") : undefined;
  },
};
