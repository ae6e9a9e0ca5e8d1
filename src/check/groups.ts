/**
 * The named groups of `hierarchical { name: COMBINATION [with PIPELINE] }`: their entries, the heads they own, and the
 * lint against groups that change nothing. Called for the heads of a model and for its combination. Pure.
 */
import { duplicateName, malformedCombination, malformedSetting } from "../diagnostics/codes/check.ts";
import { redundantGroup } from "../diagnostics/codes/laws.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { Call, Entry, Expression } from "../syntax/ast.ts";
import { walk } from "../syntax/traverse.ts";
import { uniqueEntries } from "./settings.ts";

/** A group that owns a head. */
export interface GroupHead {
  readonly name: string;
  readonly pipeline: Expression;
}

export interface Group {
  readonly entry: Entry;
  readonly value: Expression;
}

/** The groups of a use of `hierarchical`, or `undefined` after reporting. */
export function groupsOf(call: Call, diagnostics: Diagnostics): readonly Group[] | undefined {
  if (call.block === undefined || call.block.entries.length === 0) {
    diagnostics.report(malformedCombination, call.span, {
      what: "`hierarchical` has no groups",
      why: "It combines named groups of losses, which stand in braces.",
      help: "Write for example `hierarchical { pairs: learned(a, b)  proxies: equal(c, d) }`.",
    });
    return undefined;
  }
  const groups: Group[] = [];
  let whole = true;
  for (const entry of uniqueEntries(call.block, "groups", diagnostics)) {
    const { value, label, miner, memory } = entry;
    const part = label ?? miner ?? memory;
    if (value !== undefined && entry.block === undefined && part === undefined) {
      groups.push({ entry, value });
      continue;
    }
    whole = false;
    diagnostics.report(malformedSetting, part?.span ?? entry.span, {
      what: `The group \`${entry.name.text}\``,
      needed:
        part === undefined
          ? "a combination of losses after a colon"
          : `no \`${part === label ? "by" : part === miner ? "on" : "against"}\`, which belongs to the entries of \`losses\``,
      example: `${entry.name.text}: learned(a, b)`,
    });
  }
  return whole ? groups : undefined;
}

/**
 * The head of each loss that stands in a group with one; the innermost group wins. A group called like a loss, or like
 * another group with a head, is reported: both would name a head.
 */
export function groupHeads(
  combination: Expression | undefined,
  losses: readonly string[],
  diagnostics: Diagnostics,
): ReadonlyMap<string, GroupHead> {
  const heads = new Map<string, GroupHead>();
  const taken = new Set(losses);
  if (combination === undefined) return heads;
  walk(combination, {
    // Outer groups come first, and inner ones overwrite them.
    enter: (node) => {
      if (node.kind !== "Entry" || node.head === undefined || node.head.kind === "Missing") return;
      const { name, head, value } = node;
      if (taken.has(name.text))
        diagnostics.report(duplicateName, name.span, { name: name.text, what: "losses and groups" });
      taken.add(name.text);
      if (value === undefined) return;
      walk(value, {
        enter: (inner) => {
          if (inner.kind === "Name" && losses.includes(inner.text))
            heads.set(inner.text, { name: name.text, pipeline: head });
        },
      });
    },
  });
  return heads;
}

/** Reports a group that owns no head and weighs its losses as its parent weighs the groups. */
export function checkGroupMatters(group: Group, by: string, diagnostics: Diagnostics): void {
  const { entry, value } = group;
  if (entry.head !== undefined || value.kind !== "Call" || value.callee.text !== by) return;
  diagnostics.report(redundantGroup, entry.name.span, { group: entry.name.text, strategy: by });
}
