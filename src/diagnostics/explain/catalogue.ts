/**
 * Every diagnostic of the compiler in one list, in the order of the codes. Read by `dmlc explain`, by the SARIF renderer
 * and by the tests that hold codes and pages against each other. Pure.
 */
import * as check from "../codes/check.ts";
import * as formula from "../codes/formula.ts";
import * as interpret from "../codes/interpret.ts";
import * as laws from "../codes/laws.ts";
import * as resolve from "../codes/resolve.ts";
import * as syntax from "../codes/syntax.ts";
import * as text from "../codes/text.ts";
import type { Severity } from "../diagnostic.ts";

/** What the list says of a diagnostic: nothing that depends on a place or an argument. */
export interface CatalogueEntry {
  readonly code: string;
  /** kebab-case, stable. */
  readonly name: string;
  readonly severity: Severity;
}

function entriesOf(table: Readonly<Record<string, unknown>>): CatalogueEntry[] {
  return Object.values(table)
    .filter(isEntry)
    .map(({ code, name, severity }) => ({ code, name, severity }));
}

/** The files of codes hold a few functions for wording beside their definitions. */
function isEntry(value: unknown): value is CatalogueEntry {
  return typeof value === "object" && value !== null && "code" in value;
}

export const catalogue: readonly CatalogueEntry[] = [text, syntax, resolve, formula, check, laws, interpret]
  .flatMap(entriesOf)
  .sort((a, b) => (a.code < b.code ? -1 : 1));
