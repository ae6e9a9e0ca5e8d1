/**
 * Programs damaged: tokens left out, doubled, exchanged, replaced, moved in from another program, characters changed.
 * Used by the fuzzers.
 */
import type { Random } from "./random.ts";

const strange = [
  "\0",
  "\u202e",
  "\ud800",
  "\ufeff",
  "é",
  "“",
  "×",
  "\r",
  "\t",
  "`",
  "${",
  "*/",
  "1e999",
  "9".repeat(30),
];

/** Words, numbers, strings, comments and signs, and the blanks between them. */
export function tokensOf(text: string): string[] {
  return text.match(/\/\/[^\n]*|"[^"\n]*"|[\w.]+|\s+|[^\w\s]/g) ?? [];
}

/** `program` with one to six changes, some of them with parts of `other`. */
export function mutate(program: string, other: string, random: Random): string {
  const tokens = tokensOf(program);
  const donor = tokensOf(other);
  if (tokens.length === 0) return other;
  for (let change = random.below(6); change >= 0; change--) {
    const at = random.below(tokens.length);
    const to = random.below(tokens.length);
    const length = 1 + random.below(random.chance(0.2) ? 40 : 3);
    switch (random.below(9)) {
      case 0:
        tokens.splice(at, length);
        break;
      case 1:
        tokens.splice(at, 0, ...tokens.slice(at, at + length));
        break;
      case 2:
        [tokens[at], tokens[to]] = [tokens[to]!, tokens[at]!];
        break;
      case 3:
        tokens.splice(at, 1, tokens[to]!);
        break;
      case 4:
        tokens.splice(at, random.below(3), ...donorPart(donor, length, random));
        break;
      case 5:
        tokens[at] = characters(tokens[at]!, random);
        break;
      case 6:
        tokens.splice(at, 0, random.pick(strange));
        break;
      case 7:
        tokens.splice(to, 0, ...tokens.splice(at, length));
        break;
      case 8:
        tokens.splice(
          at,
          1,
          random.pick(["0", "1e9", "-1", "0.5", "[]", "{", "}", "(", ")", "x", "y", "[i]", "|", ":", "="]),
        );
        break;
    }
    if (tokens.length === 0) return "";
  }
  return tokens.join("");
}

function donorPart(donor: readonly string[], length: number, random: Random): string[] {
  if (donor.length === 0) return [];
  const from = random.below(donor.length);
  return donor.slice(from, from + length);
}

function characters(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  const put = random.chance(0.5) ? String.fromCharCode(32 + random.below(95)) : "";
  return text.slice(0, at) + put + text.slice(at + random.below(2));
}
