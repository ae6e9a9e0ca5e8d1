/**
 * What doc comments say in a fixed form: a first sentence, and sources in parentheses, "(Kim, Kim, Cho & Kwak 2020, eq.
 * 4)". Read by explanations and reference pages. Pure.
 */

export interface Citation {
  readonly authors: string;
  readonly year: number;
  /** "eq. 4", "section 2"; absent where the comment names the paper as a whole. */
  readonly place?: string;
}

const YEAR = /\b(?:19|20)\d\d\b/;
/** Words between and before the names of authors. */
const JOINTS = /^(?:&|et|al\.|van|von|den|der|de)$/;
const PLACE = /^,\s*((?:eqs?|fig|sections?|algorithm|table|appendix)\b[^;]*)/;

/** The first sentence, without its sources, on one line. */
export function summaryOf(documentation: string): string {
  const text = documentation.replace(/\s+/g, " ");
  const bare = groupsOf(text)
    .filter(({ content }) => YEAR.test(content))
    .reduceRight((rest, { from, to }) => rest.slice(0, from).trimEnd() + rest.slice(to), text);
  const end = /(?<!\bal)\.(?=\s|$)/.exec(bare);
  return (end === null ? bare : bare.slice(0, end.index + 1)).trim();
}

/** The sources, in the order in which they are named, each once. */
export function citationsOf(documentation: string): Citation[] {
  const text = documentation.replace(/\s+/g, " ");
  const found = groupsOf(text).flatMap(({ content }) =>
    content.split(";").flatMap((piece) => citationIn(piece) ?? []),
  );
  const keyOf = ({ authors, year }: Citation): string => `${authors} ${year}`;
  return found.filter((each, k) => found.findIndex((other) => keyOf(other) === keyOf(each)) === k);
}

interface Group {
  readonly content: string;
  /** Where it stands, parentheses included. */
  readonly from: number;
  readonly to: number;
}

/** The outermost parentheses of a text. */
function groupsOf(text: string): Group[] {
  const groups: Group[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "(" && depth++ === 0) from = at;
    if (character === ")" && depth > 0 && --depth === 0)
      groups.push({ content: text.slice(from + 1, at), from, to: at + 1 });
  }
  return groups;
}

function citationIn(piece: string): Citation | undefined {
  const year = YEAR.exec(piece);
  if (year === null) return undefined;
  const words = piece.slice(0, year.index).trim().split(" ");
  let first = words.length;
  while (first > 0 && isOfNames(words[first - 1]!)) first--;
  const authors = words.slice(first).join(" ").replace(/,$/, "");
  if (!/\p{Lu}/u.test(authors)) return undefined;
  const place = PLACE.exec(piece.slice(year.index + 4))?.[1]?.trim();
  return { authors, year: Number(year[0]), ...(place === undefined ? {} : { place }) };
}

function isOfNames(word: string): boolean {
  return JOINTS.test(word) || /^\p{Lu}[\p{L}'’-]+,?$/u.test(word);
}

/** "Kim, Kim, Cho & Kwak 2020, eq. 4" */
export function writeCitation({ authors, year, place }: Citation): string {
  return `${authors} ${year}${place === undefined ? "" : `, ${place}`}`;
}
