/**
 * Diagnostics as a log of SARIF 2.1.0 (OASIS, 27 March 2020), for code scanning and editors: one run, one rule for each
 * code that occurs, one result for each diagnostic. Columns in UTF-16 units, ends exclusive, as the standard has them.
 * Used by `dmlc check --format sarif`. Pure.
 */
import { position } from "../../source/source.ts";
import type { Span } from "../../source/source.ts";
import type { Diagnostic } from "../diagnostic.ts";
import { parsePage } from "../explain/page.ts";
import type { PageSource } from "../explain/page.ts";
import { escaped } from "./json.ts";

export interface SarifOptions {
  /** The compiler's own version, `1.2.3`. */
  readonly version: string;
  /** The pages that describe the rules. */
  readonly pages: PageSource;
}

/** The log as JSON text, ending with a newline. */
export function renderSarif(diagnostics: readonly Diagnostic[], options: SarifOptions): string {
  const codes = [...new Set(diagnostics.map(({ code }) => code))].sort();
  const log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "dmlc",
            version: options.version,
            semanticVersion: options.version,
            rules: codes.map((code) =>
              rule(
                diagnostics.find((one) => one.code === code)!,
                options.pages,
              ),
            ),
          },
        },
        columnKind: "utf16CodeUnits",
        results: diagnostics.map((diagnostic) => result(diagnostic, codes.indexOf(diagnostic.code))),
      },
    ],
  };
  return `${escaped(JSON.stringify(log, undefined, 2))}\n`;
}

function rule({ code, name, severity }: Diagnostic, pages: PageSource): object {
  const markdown = pages.page(code);
  const described = { id: code, name, defaultConfiguration: { level: severity } };
  if (markdown === undefined) return described;
  const { what, why } = parsePage(markdown);
  return {
    ...described,
    shortDescription: { text: plain(what) },
    fullDescription: { text: plain(`${what} ${why}`) },
    help: { text: plain(`${what}\n\n${why}`), markdown },
  };
}

function result(diagnostic: Diagnostic, ruleIndex: number): object {
  const { code, severity, message, reason, help, span, related } = diagnostic;
  const text = [`${message}.`, reason, ...(help === undefined ? [] : [help])].join(" ");
  return {
    ruleId: code,
    ruleIndex,
    level: severity,
    message: { text: plain(text) },
    locations: [location(span)],
    ...(related.length === 0
      ? {}
      : {
          relatedLocations: related.map((place, at) => ({
            id: at + 1,
            ...location(place.span),
            message: { text: plain(place.label) },
          })),
        }),
  };
}

function location(span: Span): { readonly physicalLocation: object } {
  const start = position(span.file, span.start);
  const end = position(span.file, span.end);
  return {
    physicalLocation: {
      artifactLocation: { uri: uriOf(span.file.path) },
      region: {
        startLine: start.line,
        startColumn: start.column,
        endLine: end.line,
        endColumn: end.column,
      },
    },
  };
}

/** A path as a reference of RFC 3986: a relative one stays relative, an absolute one becomes a `file:` URI. */
export function uriOf(path: string): string {
  const parts = path.replaceAll("\\", "/").split("/");
  const drive = /^[A-Za-z]:$/.test(parts[0]!);
  const encoded = parts.map((part, at) =>
    at === 0 && drive ? part : encodeURIComponent(part.replace(/\p{Cs}/gu, "\ufffd")),
  );
  const joined = encoded.join("/");
  if (drive) return `file:///${joined}`;
  return joined.startsWith("/") ? `file://${joined}` : joined;
}

/** Plain text of a message: `[k](x)` would be a link, so its brackets are escaped (3.11.6). */
function plain(text: string): string {
  return text.includes("](") ? text.replace(/[\\[\]]/g, "\\$&") : text;
}
