/** Pages of the diagnostics, from the Markdown that `dmlc explain CODE` prints; and the page that lists them. */
import { catalogue } from "../../src/diagnostics/explain/catalogue.ts";
import type { CatalogueEntry } from "../../src/diagnostics/explain/catalogue.ts";
import { between, escaped } from "./html.ts";

export const DIAGNOSTICS = "diagnostics/index.html";

export const diagnostics: readonly CatalogueEntry[] = catalogue;

/** Where the page of a code stands in the site. */
export function codePath(code: string): string {
  return `diagnostics/${code}.html`;
}

export function diagnosticsHtml(): string {
  const rows = catalogue.map(
    ({ code, name, severity }) =>
      `<tr><td><a href="${between(DIAGNOSTICS, codePath(code))}">${code}</a></td><td>${escaped(name)}</td><td>${severity}</td></tr>`,
  );
  return `<h1>Diagnostics</h1>
<p>Every problem that dmlc reports has a code, which it keeps for ever. <code>dmlc explain CODE</code> prints the same pages.</p>
<div class="wide"><table>
<thead><tr><th>Code</th><th>Name</th><th>Severity</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table></div>`;
}
