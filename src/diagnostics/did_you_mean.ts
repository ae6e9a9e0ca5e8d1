/**
 * The nearest spelling of a word among candidates. Every stage that reports an unknown name calls it. Pure.
 */

/** How many characters each replacement, insertion, deletion or swap of neighbours costs. */
function distance(word: string, candidate: string, limit: number): number {
  const width = candidate.length + 1;
  let before: number[] = [];
  let previous = Array.from({ length: width }, (_, column) => column);
  for (let row = 1; row <= word.length; row++) {
    const current = [row];
    let best = row;
    for (let column = 1; column < width; column++) {
      const same = word[row - 1] === candidate[column - 1];
      let cost = Math.min(
        previous[column]! + 1,
        current[column - 1]! + 1,
        previous[column - 1]! + (same ? 0 : 1),
      );
      const swapped =
        row > 1 &&
        column > 1 &&
        word[row - 1] === candidate[column - 2] &&
        word[row - 2] === candidate[column - 1];
      if (swapped) cost = Math.min(cost, before[column - 2]! + 1);
      current.push(cost);
      best = Math.min(best, cost);
    }
    if (best > limit) return Infinity;
    before = previous;
    previous = current;
  }
  return previous[width - 1]!;
}

/**
 * The candidate nearest to `word`, if one is near enough: at most 0.4 of the word's length plus one edit away, and never
 * as far as the whole word. A different case alone costs one edit. Ties go to the earlier candidate; the word itself is
 * never offered.
 */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  const limit = Math.min(Math.floor(word.length * 0.4 + 1), word.length - 1);
  let found: string | undefined;
  let least = limit + 1;
  const lower = word.toLowerCase();
  for (const candidate of candidates) {
    if (candidate === word || Math.abs(candidate.length - word.length) > limit) continue;
    const cost = candidate.toLowerCase() === lower ? 1 : distance(word, candidate, limit);
    if (cost < least) {
      least = cost;
      found = candidate;
    }
  }
  return found;
}
