/**
 * From the names of icons to concepts: `home-2-fill`, `home-outline` and `home-alt` are three drawings of `home`.
 * Called by the builder of the icon data set; pure.
 */
import { NAME_SYNONYMS, WORD_SYNONYMS } from "./icon_synonyms.ts";

/** The parts of an icon set's `icons.json` that are read here (Iconify JSON). */
export interface IconSetJson {
  readonly prefix: string;
  readonly icons: Readonly<Record<string, IconJson>>;
  /** View box of the icons that state none; 16 where absent. */
  readonly width?: number;
  readonly height?: number;
}

export interface IconJson {
  /** What stands inside the `<svg>` element. */
  readonly body: string;
  readonly left?: number;
  readonly top?: number;
  readonly width?: number;
  readonly height?: number;
  /** Set for icons that the set keeps for old users only. */
  readonly hidden?: boolean;
}

/** One drawing. */
export interface Icon {
  /** `set/name`. */
  readonly name: string;
  readonly body: string;
  /** Left, top, width and height of the view box. */
  readonly viewBox: readonly [number, number, number, number];
}

/** All drawings of one concept, in the order of sets and names. */
export interface Concept {
  readonly name: string;
  readonly icons: readonly Icon[];
}

/** Last words that name a style, a size or a variant in every set. */
const STYLE_WORDS: ReadonlySet<string> = new Set(
  (
    "solid filled fill outline outlined duotone twotone sharp rounded glyph alt stroke bold thin regular " +
    "small big large thick mini simple 12 16 20 24 32 48 96"
  ).split(" "),
);

/** Last words that name a style or a variant in these sets, and something that is drawn in others. */
const STYLE_WORDS_OF_SET: Readonly<Record<string, readonly string[]>> = {
  fa: ["o"],
  fe: ["o"],
  jam: ["f"],
  vaadin: ["o"],
  ri: ["line"],
  majesticons: ["line"],
  "icon-park-outline": ["one", "two", "three", "four", "five"],
};

/** A last number is a variant (`trash-2`), except after a word that counts something. */
const VARIANT_NUMBER = /^0?[1-9]$/;
const COUNTED_WORDS: ReadonlySet<string> = new Set(
  (
    "battery brightness circle column columns counter dice filter grid h heading header hexagon layout level " +
    "moon number row rows signal square wifi"
  ).split(" "),
);

/** Abbreviations of whole words, where they come last. */
const ABBREVIATIONS: Readonly<Record<string, string>> = { h: "horizontal", v: "vertical" };

/** After these first words the order matters: `corner-down-left` goes down, then left. */
const ORDERED_FIRST_WORDS: ReadonlySet<string> = new Set(["corner"]);

/** The words of a concept: those of the icon's name, without style, size and variant at its end, synonyms replaced. */
export function conceptWords(set: string, icon: string): readonly string[] {
  const words = icon.toLowerCase().split("-");
  const own = STYLE_WORDS_OF_SET[set] ?? [];
  while (words.length > 1) {
    const last = words[words.length - 1]!;
    const before = words[words.length - 2]!;
    const variant = VARIANT_NUMBER.test(last) && !COUNTED_WORDS.has(before);
    if (!STYLE_WORDS.has(last) && !own.includes(last) && !variant) break;
    words.pop();
  }
  const last = words.length - 1;
  if (last > 0) words[last] = ABBREVIATIONS[words[last]!] ?? words[last]!;
  const replaced = words.map((word) => WORD_SYNONYMS[word] ?? word);
  return SYNONYM_OF_WORDS.get(sortedWords(replaced)) ?? replaced;
}

/** The words in the order of the alphabet, as one text: the same for every order of the same words. */
function sortedWords(words: readonly string[]): string {
  return [...words].sort().join("-");
}

const SYNONYM_OF_WORDS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(NAME_SYNONYMS).map(([name, meaning]) => [sortedWords(name.split("-")), meaning.split("-")]),
);

/**
 * The concepts that occur in at least `leastSets` sets. Names of the same words in another order (`user-add`,
 * `add-user`) are one concept, named by its most frequent order. Concepts are in the order of their names.
 */
export function gatherConcepts(sets: readonly IconSetJson[], leastSets: number): Concept[] {
  const found = new Map<string, { icons: Icon[]; sets: Set<string>; orders: Map<string, number> }>();
  for (const set of [...sets].sort((a, b) => (a.prefix < b.prefix ? -1 : 1))) {
    for (const name of Object.keys(set.icons).sort()) {
      const icon = set.icons[name]!;
      if (icon.hidden === true) continue;
      const words = conceptWords(set.prefix, name);
      const order = words.join("-");
      const key = ORDERED_FIRST_WORDS.has(words[0]!) ? order : sortedWords(words);
      let entry = found.get(key);
      if (entry === undefined) {
        entry = { icons: [], sets: new Set(), orders: new Map() };
        found.set(key, entry);
      }
      entry.icons.push({ name: `${set.prefix}/${name}`, body: icon.body, viewBox: viewBoxOf(set, icon) });
      entry.sets.add(set.prefix);
      entry.orders.set(order, (entry.orders.get(order) ?? 0) + 1);
    }
  }
  return [...found.values()]
    .filter((entry) => entry.sets.size >= leastSets)
    .map((entry) => ({ name: mostFrequent(entry.orders), icons: entry.icons }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function viewBoxOf(set: IconSetJson, icon: IconJson): [number, number, number, number] {
  const width = icon.width ?? set.width ?? 16;
  const height = icon.height ?? set.height ?? 16;
  return [icon.left ?? 0, icon.top ?? 0, width, height];
}

/** The key of the largest count; of equal ones, the first in the order of keys. */
function mostFrequent(counts: ReadonlyMap<string, number>): string {
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0]![0];
}
