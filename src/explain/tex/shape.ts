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
}

export const atomPower = 100;
export const powers = {
  choice: 10,
  or: 20,
  and: 30,
  comparison: 50,
  sum: 60,
  product: 70,
  minus: 80,
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

/** Two factors side by side. */
export function times(left: Piece, right: Piece): Piece {
  const a = held(left, powers.product);
  const b = held(right, powers.product + 1);
  return {
    tex: `${a.tex}${b.digit === true ? " \\cdot " : " \\, "}${b.tex}`,
    power: powers.product,
    digit: a.digit === true,
  };
}
