/**
 * A piece of TeX with how tightly it holds together, so that whoever puts pieces side by side knows where parentheses are
 * needed. The powers are those of the language (src/syntax/operators.ts); what is closed by itself, as a fraction or a
 * norm, is an atom. Used by the other files of this folder. Pure.
 */

export interface Piece {
  readonly tex: string;
  /** Binding power: a larger one holds together more tightly. */
  readonly power: number;
  /** Whether it begins with a digit, so that a factor before it needs a dot. */
  readonly digit?: boolean;
  /** Whether it ends in a sum or the like, which would take in a factor after it. */
  readonly open?: boolean;
}

export const atomPower = 100;
export const powers = {
  choice: 10,
  or: 20,
  and: 30,
  comparison: 50,
  sum: 60,
  product: 70,
  fraction: 80,
  power: 90,
} as const;

export function atom(tex: string): Piece {
  return { tex, power: atomPower, digit: /^[0-9]/.test(tex) };
}

/** The piece where at least `power` is asked for: in parentheses if it holds together less. */
export function held(piece: Piece, power: number): Piece {
  return piece.power >= power ? piece : atom(parenthesised(piece.tex));
}

export function parenthesised(tex: string): string {
  return `\\left(${tex}\\right)`;
}

/** One over the other; sums in it as large as outside, so that what stands below them can be read. */
export function fraction(over: Piece, under: Piece): Piece {
  const tex = [over, under].map((each) =>
    each.tex.includes("\\substack") ? `\\displaystyle ${each.tex}` : each.tex,
  );
  return { tex: `\\frac{${tex[0]}}{${tex[1]}}`, power: powers.fraction };
}

/** Two factors side by side. */
export function times(left: Piece, right: Piece): Piece {
  const a = left.open === true ? atom(parenthesised(left.tex)) : held(left, powers.product);
  const b = right.open === true ? right : held(right, powers.product + 1);
  return {
    tex: `${a.tex}${b.digit === true ? " \\cdot " : " \\, "}${b.tex}`,
    power: powers.product,
    digit: a.digit === true,
    open: b.open === true,
  };
}
