/**
 * How source text is laid out in a terminal: tabs expanded, characters that would hide or reorder text made visible,
 * wide characters counted as two columns. Used by the pretty renderer. Pure.
 */

const TAB = 4;

/** Control, format (bidirectional overrides, zero-width), surrogate and line-separator characters: shown by code point. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u;
const COMBINING = /[\p{Mn}\p{Me}]/u;
/** East Asian wide and full-width characters, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;

export interface LaidOutLine {
  readonly text: string;
  /** Column (0-based, in terminal cells) of each UTF-16 offset of the line, and of its end. */
  readonly columns: readonly number[];
}

/** Lays out one line of source, without its line ending. */
export function layOut(line: string): LaidOutLine {
  let text = "";
  let column = 0;
  const columns: number[] = [];
  for (const character of line) {
    for (let unit = 0; unit < character.length; unit++) columns.push(column);
    const shown = character === "\t" ? " ".repeat(TAB - (column % TAB)) : visible(character);
    text += shown;
    column += shown === character ? cells(character) : shown.length;
  }
  columns.push(column);
  return { text, columns };
}

/** A text in which every character that could hide or reorder others is written as its code point, `<U+202E>`. */
export function visible(text: string): string {
  let shown = "";
  for (const character of text)
    shown += INVISIBLE.test(character)
      ? `<U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}>`
      : character;
  return shown;
}

function cells(character: string): number {
  if (COMBINING.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
