/**
 * The words `by`, `on`, `against` and `with` where they stand behind their place or where a name belongs: rules of entries that
 * the grammar leaves open for the sake of better messages. Called by the builder of settings.
 */
import * as codes from "../diagnostics/codes/syntax.ts";
import type { Block, Entry } from "./ast.ts";
import type { Building } from "./cst.ts";

const WORDS: readonly string[] = ["by", "on", "against", "with"];

/** The entries without clauses behind their place: the word and the name after it look like two entries more. */
export function withoutClauses(entries: readonly Entry[]): Entry[] {
  return entries.filter((each, at) => {
    const before = entries[at - 1];
    return !isClause(each) && (before === undefined || !isClause(before) || !isBare(each));
  });
}

const isBare = ({ value, block: inner }: Entry): boolean => value === undefined && inner === undefined;

/** A clause out of order, read as an entry. */
export const isClause = (each: Entry): boolean => isBare(each) && WORDS.includes(each.name.text);

/** The words of an entry's clauses cannot name a loss. */
export function checkLossNames(building: Building, losses: Block): void {
  for (const { name, value } of losses.entries) {
    if (value === undefined || ![...WORDS, "shared"].includes(name.text)) continue;
    building.reportUndisturbed(codes.reservedWord, name.span, {
      word: name.text,
      what: "the name of a loss",
    });
  }
}
