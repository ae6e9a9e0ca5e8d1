/**
 * One block of settings against the table of what it may hold: unknown names, duplicates, missing ones, and entries of
 * the wrong form. Called for models, data sets and their inner blocks. Pure.
 */
import {
  duplicateName,
  malformedSetting,
  missingSetting,
  unknownSetting,
} from "../diagnostics/codes/check.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import { closest } from "../diagnostics/did_you_mean.ts";
import type { Span } from "../source/source.ts";
import type { Block, Entry } from "../syntax/ast.ts";

export interface SettingRule {
  /** `name: value` or `name { … }`. */
  readonly form: "value" | "block";
  /** One line that shows how it is written. */
  readonly example: string;
  /** Why it must be there; absent for an optional setting. */
  readonly required?: string;
}

export type SettingTable<Name extends string> = Readonly<Record<Name, SettingRule>>;

/**
 * The entries of a block by name, each once and of the right form. `where` names the block's owner in messages
 * ("The model `icon_search`", "`train`"); `owner` is marked when a setting is missing.
 */
export function readSettings<Name extends string>(
  block: Block | undefined,
  table: SettingTable<Name>,
  where: string,
  owner: Span,
  diagnostics: Diagnostics,
): ReadonlyMap<Name, Entry> {
  const found = new Map<Name, Entry>();
  const known = Object.keys(table);
  const malformed = new Set<string>();
  const misspelt = new Map<Name, Entry>();
  for (const entry of uniqueEntries(block, "settings", diagnostics)) {
    const name = entry.name.text as Name;
    const rule = Object.hasOwn(table, name) ? table[name] : undefined;
    if (rule === undefined) {
      const suggestion = closest(name, known);
      const extra = suggestion === undefined ? {} : { suggestion };
      if (suggestion !== undefined) misspelt.set(suggestion as Name, entry);
      diagnostics.report(unknownSetting, entry.name.span, { name, where, known, ...extra });
      continue;
    }
    if (hasForm(entry, rule)) found.set(name, entry);
    else {
      malformed.add(name);
      diagnostics.report(malformedSetting, entry.span, {
        what: `\`${name}\``,
        needed: rule.form === "value" ? "a value after a colon" : "settings in braces",
        example: rule.example,
      });
    }
    refuseLossParts(entry, diagnostics);
  }
  // A misspelt setting is taken for the one that was meant, so that it is not reported as missing as well.
  for (const [name, entry] of misspelt)
    if (!found.has(name) && hasForm(entry, table[name])) found.set(name, entry);
  const missing = (known as Name[]).flatMap((name) => {
    const { required: why, example } = table[name];
    const excused = found.has(name) || malformed.has(name) || misspelt.has(name);
    return why === undefined || excused ? [] : [{ name, why, example }];
  });
  if (missing.length > 0) diagnostics.report(missingSetting, owner, { where, missing });
  return found;
}

/** The entries of a block, the first of each name; further ones are reported. Entries without a name are the parser's. */
export function uniqueEntries(
  block: Block | undefined,
  what: string,
  diagnostics: Diagnostics,
): readonly Entry[] {
  const found = new Map<string, Entry>();
  for (const entry of block?.entries ?? []) {
    const { text, span } = entry.name;
    if (text === "") continue;
    const before = found.get(text);
    if (before === undefined) found.set(text, entry);
    else
      diagnostics.report(
        duplicateName,
        span,
        { name: text, what },
        { related: [{ span: before.name.span, label: "the first one" }] },
      );
  }
  return [...found.values()];
}

function hasForm(entry: Entry, rule: SettingRule): boolean {
  return rule.form === "value"
    ? entry.value !== undefined && entry.block === undefined
    : entry.block !== undefined && entry.value === undefined;
}

/** `by`, `on`, `against` and `with` belong to losses. */
export function refuseLossParts(entry: Entry, diagnostics: Diagnostics): void {
  const part = entry.label ?? entry.miner ?? entry.memory ?? entry.head;
  if (part === undefined || part.kind === "Missing") return;
  const words = [
    ["by", entry.label],
    ["on", entry.miner],
    ["against", entry.memory],
  ] as const;
  const word = words.find(([, each]) => each === part)?.[0] ?? "with";
  diagnostics.report(malformedSetting, part.span, {
    what: `\`${entry.name.text}\``,
    needed: `no \`${word}\`, which belongs to the entries of \`losses\``,
    example: `${entry.name.text}: …`,
  });
}
